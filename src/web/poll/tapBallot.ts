import { abstention } from "../../domain/Choice.ts"
import type { PollView } from "../../domain/PollView.ts"
import type { Results } from "../../domain/Tally.ts"
import type { Labels } from "../ballot/labels.ts"
import { byId, say } from "../dom.ts"
import { shares, votes } from "../words/formats.ts"
import { mark as marks, page } from "../words.ts"
import type { Ballot } from "./ballot.ts"

/** The buttons of a poll for one option, each with its result. */
export interface TapBallot extends Ballot {
  results(results: Results): void
  hidden(): void
}

export const makeTapBallot = (form: HTMLFormElement, { abstain, options }: PollView, labels: Labels): TapBallot => {
  const ids = [...options.map(({ id }) => id), ...(abstain === true ? [abstention] : [])]
  const taps = ids.map((id) => ({
    id,
    item: byId(`option-${id}`, HTMLElement),
    button: byId(`vote-${id}`, HTMLButtonElement),
    mark: byId(`mark-${id}`, HTMLElement)
  }))
  const bars = new Map(
    options.map(({ id }) => [
      id,
      {
        item: byId(`option-${id}`, HTMLElement),
        meter: byId(`bar-${id}`, HTMLMeterElement),
        share: byId(`share-${id}`, HTMLElement),
        votes: byId(`votes-${id}`, HTMLElement)
      }
    ])
  )
  for (const { id } of options) {
    labels.say(id, (label) => {
      say(byId(`vote-${id}`, HTMLButtonElement), label)
      bars.get(id)?.meter.setAttribute("aria-label", page.share(label))
    })
  }
  return {
    onCast: (listener) => {
      // Not the form's submission: not every browser says which button that came by.
      for (const { button, id } of taps) {
        button.addEventListener("click", (event) => {
          event.preventDefault()
          if (button.getAttribute("aria-disabled") !== "true") listener(id)
        })
      }
    },
    sent: () => {},
    isBegun: () => false,
    enabled: (yes) => {
      form.classList.toggle("disabled", !yes)
      // Not `disabled`: that would take the focus away from whoever has just pressed it.
      for (const { button } of taps) {
        button.setAttribute("aria-disabled", String(!yes))
        // The server has disabled it where the poll was not open yet.
        if (yes) button.disabled = false
      }
    },
    mine: (mine, state) => {
      for (const { id, item, mark } of taps) {
        item.classList.toggle("mine", id === mine)
        mark.dataset.status = id === mine ? state : ""
        say(mark, id === mine ? marks[state] : "")
      }
    },
    results: ({ results, winners }) => {
      const shown = shares(results.map(({ count }) => count))
      for (const [index, result] of results.entries()) {
        const bar = bars.get(result.option)
        if (bar === undefined) continue
        bar.meter.value = result.percentage
        bar.item.classList.toggle("leads", winners.includes(result.option))
        say(bar.share, shown[index] ?? "")
        say(bar.votes, votes(result.count))
      }
    },
    hidden: () => {
      for (const bar of bars.values()) {
        bar.meter.value = 0
        bar.item.classList.remove("leads")
        say(bar.share, "")
        say(bar.votes, "")
      }
    }
  }
}
