import type { FieldError } from "../../domain/FieldError.ts"
import { isLessOpen } from "../../domain/Openness.ts"
import type { PollOption } from "../../domain/Poll.ts"
import type { PollView } from "../../domain/PollView.ts"
import { make } from "../dom.ts"
import { ownZone } from "../words/formats.ts"
import { form as words } from "../words/formWords.ts"
import { choice, field, optional, tick } from "./fields.ts"
import { makeKindFields } from "./kindFields.ts"
import { isSkipped, toTime } from "./localTimes.ts"
import { toOptions } from "./optionLines.ts"

/** What a request says of a poll, by the API's names. */
export type PollBody = Readonly<Record<string, unknown>>

/** The fields that say what a poll is; their names are those of the request's. */
export interface PollFields {
  readonly title: HTMLInputElement
  readonly elements: ReadonlyArray<HTMLElement>
  /** Returns what they say. Options that are there already keep their ids. */
  read(): PollBody & { readonly options: ReadonlyArray<PollOption> }
  /** Leaves only what may change of a poll once there are votes. */
  fix(poll: PollView): void
  /** Returns what is wrong with them, as far as can be told without the service. */
  check(now: number): ReadonlyArray<FieldError>
}

const isVisibility = (value: string): value is PollView["results"] => value in words.visibilities

/** Makes the fields. `known` are the options that a poll has which is there already: whether it has a log can't change. */
export const makePollFields = (known?: Parameters<typeof toOptions>[2]): PollFields => {
  const title = make("input", { name: "title", maxlength: "200", autocomplete: "off" })
  const description = make("textarea", { name: "description", rows: "2", maxlength: "2000" })
  const options = make("textarea", { name: "options", rows: "4" })
  const opens = make("input", { name: "opens_at", type: "datetime-local" })
  const closes = make("input", { name: "closes_at", type: "datetime-local" })
  const kind = makeKindFields()
  const rules = make(
    "fieldset",
    { class: "stack whole" },
    ...kind.elements,
    choice(words.ballot, "ballot", words.ballots, () => onChange()),
    choice(words.identity, "identity", words.identities, () => onChange())
  )
  const results = choice(words.results, "results", words.visibilities, () => onChange())
  const challenges = choice(words.challenge, "challenge", words.challenges, () => undefined)
  const elements = [
    field(words.title, title),
    field(optional(words.description), description),
    field(words.options, options),
    rules,
    results,
    challenges,
    make(
      "div",
      { class: "pair" },
      field(optional(words.opensAt), opens, words.zone(ownZone())),
      field(optional(words.closesAt), closes, words.zone(ownZone()))
    ),
    ...(known === undefined ? [choice(words.log, "log", words.logs, () => undefined)] : []),
    tick(words.listed, "listed")
  ]
  const find = (selector: string): HTMLInputElement | undefined =>
    elements.map((element) => element.querySelector<HTMLInputElement>(selector)).find((found) => found !== null) ??
    undefined
  const chosen = (name: string): string => find(`input[name="${name}"]:checked`)?.value ?? ""

  // A rule about voters needs a way to tell them apart.
  const onChange = (): void => {
    const anyone = find('input[name="identity"][value="anyone"]')
    const browser = find('input[name="identity"][value="browser"]')
    if (anyone === undefined || browser === undefined) return
    anyone.disabled = chosen("ballot") !== "open" || chosen("results") === "after_vote"
    if (anyone.disabled && anyone.checked) browser.checked = true
  }

  const readOptions = () => toOptions(options.value, chosen("kind") === "single", known ?? [])
  return {
    title,
    elements,
    read: () => {
      const [opensAt, closesAt, text] = [toTime(opens), toTime(closes), description.value.trim()]
      return {
        title: title.value.trim(),
        ...(text === "" ? {} : { description: text }),
        options: readOptions(),
        ...kind.read(),
        ballot: chosen("ballot"),
        identity: chosen("identity"),
        results: chosen("results"),
        challenge: chosen("challenge"),
        ...(known === undefined ? { log: chosen("log") } : {}),
        ...(opensAt === undefined ? {} : { opens_at: opensAt }),
        ...(closesAt === undefined ? {} : { closes_at: closesAt }),
        ...(find('input[name="listed"]')?.checked ? { listed: true } : {})
      }
    },
    fix: (poll) => {
      // Whoever has voted is not told by a cookie or a token where anyone may vote.
      const cant = ({ value }: HTMLInputElement): boolean =>
        isVisibility(value) &&
        (isLessOpen(value, poll.results) || (value === "after_vote" && poll.identity === "anyone"))
      for (const radio of results.querySelectorAll("input")) {
        radio.disabled = cant(radio)
        radio.closest("label")?.toggleAttribute("hidden", radio.disabled)
      }
      for (const set of [rules, challenges]) {
        set.disabled = true
        set.hidden = true
      }
      opens.disabled = true
      opens.closest(".field")?.toggleAttribute("hidden", true)
    },
    check: (now) => {
      const [opensAt, closesAt] = [toTime(opens), toTime(closes)].map((time) => time && Date.parse(time))
      const wrong: Array<FieldError> = []
      const tell = (pointer: string, detail: string): number => wrong.push({ pointer: `#/${pointer}`, detail })
      if (title.value.trim() === "") tell("title", words.wrong.title)
      if (readOptions().length < 2) tell("options", words.wrong.options)
      // A time of which a part is missing reads as none.
      if (opens.validity.badInput) tell("opens_at", words.wrong.time)
      if (closes.validity.badInput) tell("closes_at", words.wrong.time)
      if (isSkipped(opens)) tell("opens_at", words.wrong.skipped)
      if (isSkipped(closes)) tell("closes_at", words.wrong.skipped)
      else if (opensAt && closesAt && closesAt <= opensAt) tell("closes_at", words.wrong.order)
      else if (closesAt && closesAt <= now) tell("closes_at", words.wrong.past)
      return wrong
    }
  }
}
