import { abstention, decodeChoice } from "../../domain/Choice.ts"
import { bodyOf, type Part, partsOf } from "../../domain/ChoiceParts.ts"
import type { PollView } from "../../domain/PollView.ts"
import { rulesOf } from "../../domain/Rules.ts"
import { byId, say } from "../dom.ts"
import type { Ballot } from "../poll/ballot.ts"
import { explainErrors, tellDraft, ballot as words } from "../words/ballotWords.ts"
import { makeCheckboxes } from "./checkboxes.ts"
import type { Control } from "./control.ts"
import type { Labels } from "./labels.ts"
import { makePoints, makeScores } from "./numbers.ts"
import { makeRanking } from "./ranking.ts"

const makeControl = (poll: PollView, labels: Labels, changed: (said?: string) => void): Control => {
  const { options } = poll
  const rules = rulesOf(poll)
  switch (rules.kind) {
    case "multiple":
      return makeCheckboxes({ options, labels, rules, changed })
    case "score":
      return makeScores({ options, labels, rules, changed })
    case "points":
      return makePoints({ options, labels, rules, changed })
    case "ranked":
      return makeRanking({ options, labels, rules, changed })
    case "single":
      throw new Error("a poll for one option has no ballot to fill in")
  }
}

/** The ballot of a poll for more than one option: filled in, and then sent by one button. */
export const makeFilledBallot = (form: HTMLFormElement, poll: PollView, labels: Labels): Ballot => {
  const choosing = { options: poll.options, rules: rulesOf(poll), abstain: poll.abstain ?? false }
  const fields = byId("choices", HTMLFieldSetElement)
  const left = byId("left", HTMLElement)
  const error = byId("ballot-error", HTMLElement)
  const send = byId("send", HTMLButtonElement)
  const undo = byId("undo", HTMLButtonElement)
  const abstain = choosing.abstain ? byId("abstain", HTMLButtonElement) : undefined
  const buttons = abstain === undefined ? [send] : [send, abstain]
  let cast: (choice: string) => void = () => {}
  let enabled = true
  /** What was filled in, and before that, and so on. */
  let filled: ReadonlyArray<Part> = []
  let before: Array<ReadonlyArray<Part>> = []
  /** The vote that the ballot was last filled in from. */
  let from: string | undefined
  /** What had the focus when the ballot was disabled, and gets it back. */
  let away: HTMLElement | undefined

  const errorAt = (option: string): HTMLElement | null => document.getElementById(`error-${option}`)
  const clearErrors = (): void => {
    say(error, "")
    for (const { id } of poll.options) {
      const at = errorAt(id)
      if (at !== null) say(at, "")
    }
    for (const wrong of fields.querySelectorAll("[aria-invalid]")) wrong.removeAttribute("aria-invalid")
  }
  const tell = (said = ""): void =>
    say(left, `${said} ${tellDraft(choosing.rules, poll.options.length, control.read())}`.trim())
  /** What is wrong goes as soon as something changes: later, as by a press of the button, that would move away from the finger. */
  const typed = (said?: string): void => {
    clearErrors()
    tell(said)
  }
  /** Takes note of a change that is done, so that it can be undone. */
  const changed = (said?: string): void => {
    const now = control.read()
    if (JSON.stringify(now) !== JSON.stringify(filled)) before.push(filled)
    filled = now
    undo.hidden = before.length === 0
    typed(said)
  }
  const show = (parts: ReadonlyArray<Part>): void => {
    control.show(parts)
    filled = control.read()
    undo.hidden = before.length === 0
    clearErrors()
  }
  const control = makeControl(poll, labels, changed)
  for (const { id } of poll.options) {
    const named = document.querySelector(`#option-${id} .label, #option-${id} .pick span`)
    labels.say(id, (label) => {
      if (named !== null) say(named, label)
      // What was last said of the ballot may name it.
      tell()
    })
  }
  form.noValidate = true
  filled = control.read()
  tell()
  form.addEventListener("input", () => typed())
  form.addEventListener("change", () => changed())
  undo.addEventListener("click", () => {
    const last = before.pop()
    if (last === undefined) return
    show(last)
    tell(words.undone)
    if (undo.hidden) send.focus()
  })

  const refuse = (errors: Parameters<typeof explainErrors>[1]): void => {
    const { options, whole } = explainErrors(choosing.rules, errors)
    clearErrors()
    say(error, whole)
    let first: HTMLElement | undefined
    for (const [option, text] of options) {
      const at = errorAt(option)
      if (at !== null) say(at, text)
      const field = at?.parentElement?.querySelector<HTMLElement>("input")
      field?.setAttribute("aria-invalid", "true")
      first ??= field ?? undefined
    }
    first?.focus()
  }
  send.addEventListener("click", (event) => {
    event.preventDefault()
    if (!enabled) return
    const choice = decodeChoice(choosing, bodyOf(choosing, control.read()))
    if (typeof choice === "string") cast(choice)
    else refuse(choice)
  })
  abstain?.addEventListener("click", (event) => {
    event.preventDefault()
    if (enabled) cast(abstention)
  })
  return {
    onCast: (listener) => {
      cast = listener
    },
    sent: () => {
      before = []
      // Where each vote counts, the next one begins anew.
      show(poll.ballot === "open" ? [] : filled)
      tell()
    },
    isBegun: () => before.length > 0 || JSON.stringify(control.read()) !== JSON.stringify(filled),
    enabled: (yes) => {
      enabled = yes
      const focused = document.activeElement
      // Disabled, a field would lose the focus, as where the ballot was sent by Enter or in another tab: it is kept nearby meanwhile.
      if (!yes && focused instanceof HTMLElement && (fields.contains(focused) || focused === undo)) {
        away = focused
        send.focus({ preventScroll: true })
      }
      fields.disabled = !yes
      form.classList.toggle("disabled", !yes)
      if (!yes) undo.hidden = true
      if (yes && focused === send) away?.focus({ preventScroll: true })
      if (yes) away = undefined
      for (const button of buttons) {
        button.setAttribute("aria-disabled", String(!yes))
        if (yes) button.disabled = false
      }
    },
    mine: (choice, state) => {
      if (poll.ballot === "open" || choice === undefined || choice === from) return
      if (poll.ballot === "changeable") say(send, words.change)
      // What is being filled in is never lost to what another tab has sent, unless that is the one vote that counts.
      const isFinal = poll.ballot === "once" && state !== "sending" && state !== "waiting"
      if (before.length > 0 && !isFinal) return
      before = []
      from = choice
      show(partsOf(choosing, choice) ?? [])
      tell()
    }
  }
}
