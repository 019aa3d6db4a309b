import { make, say } from "../dom.ts"
import { confirm as words } from "../words/ballotWords.ts"

/** Asks the reader before something is done for good: below the form, and in view however long that is. */
export interface Confirmation {
  ask(question: () => string, done: () => void): void
  /** Asks by the names that options have by now; or asks no more, where it can't be done any more. Returns whether it was asking then. */
  update(possible: boolean): boolean
}

export const makeConfirmation = (form: HTMLFormElement): Confirmation => {
  const text = make("p", { id: "confirm-text" })
  const yes = make("button", { type: "button", class: "primary", id: "confirm-yes" }, words.yes)
  const no = make("button", { type: "button", class: "plain", id: "confirm-no" }, words.no)
  const buttons = make("div", { class: "sending" }, yes, no)
  const asked = make(
    "div",
    { class: "confirm", role: "group", "aria-labelledby": text.id, hidden: true },
    text,
    buttons
  )
  let done = (): void => {}
  let question = (): string => ""
  let back: Element | null = null
  const close = (): void => {
    asked.hidden = true
    if (back instanceof HTMLElement) back.focus()
  }
  yes.addEventListener("click", () => {
    close()
    done()
  })
  no.addEventListener("click", close)
  asked.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") close()
  })
  form.after(asked)
  return {
    ask: (asks, then) => {
      back = document.activeElement
      done = then
      question = asks
      say(text, question())
      asked.hidden = false
      yes.focus()
    },
    update: (possible) => {
      const asking = !asked.hidden
      if (asking && possible) say(text, question())
      else if (asking) close()
      return asking && !possible
    }
  }
}
