import type { PollView } from "../../domain/Poll.ts"
import type { Results } from "../../domain/Tally.ts"
import { byId, say } from "../dom.ts"
import { mark as marks, shares, totalOf, votes } from "../words.ts"

/** How the line about the reader's vote looks. */
export type Tone = "none" | "busy" | "good" | "bad"

/** The page's parts that change, as the server has rendered them. */
export interface View {
  /** Whether the page came with results, or has them by now. */
  readonly hasResults: () => boolean
  /** Has `listener` called with the option that is tapped, or chosen by keyboard, as long as that does something. */
  onTap(listener: (option: string) => void): void
  results(results: Results): void
  /** Shown instead of hidden results. */
  hidden(why: string): void
  /** What became of the vote for an option, shown beside it. */
  mine(option: string | undefined, state: keyof typeof marks): void
  /** Whether a tap does something. */
  enabled(yes: boolean): void
  /** What became of the reader's vote; read out by screen readers. */
  notice(text: string, tone: Tone, receipt?: string): void
  /** What is wrong with the connection, if anything. */
  trouble(text: string): void
  status(status: PollView["status"], text: string): void
  times(text: string): void
}

export const makeView = (poll: PollView): View => {
  const form = byId("ballot", HTMLFormElement)
  const notice = byId("notice", HTMLElement)
  const noticeText = byId("notice-text", HTMLElement)
  const receiptLink = byId("receipt", HTMLAnchorElement)
  const trouble = byId("trouble", HTMLElement)
  const total = byId("total", HTMLElement)
  const state = byId("state", HTMLElement)
  const times = byId("times", HTMLElement)
  const options = new Map(
    poll.options.map(({ id }) => {
      const item = byId(`option-${id}`, HTMLElement)
      return [
        id,
        {
          item,
          button: byId(`vote-${id}`, HTMLButtonElement),
          meter: byId(`bar-${id}`, HTMLMeterElement),
          mark: byId(`mark-${id}`, HTMLElement),
          share: byId(`share-${id}`, HTMLElement),
          votes: byId(`votes-${id}`, HTMLElement)
        }
      ] as const
    })
  )

  return {
    hasResults: () => !form.classList.contains("no-results"),
    onTap: (listener) => {
      // Not the form's submission: not every browser says which button that came by.
      for (const [id, { button }] of options) {
        button.addEventListener("click", (event) => {
          event.preventDefault()
          if (button.getAttribute("aria-disabled") !== "true") listener(id)
        })
      }
    },
    results: (all) => {
      const { results } = all
      const counts = results.map((result) => result.count)
      const most = Math.max(...counts)
      const shown = shares(counts)
      for (const [index, result] of results.entries()) {
        const option = options.get(result.option)
        if (option === undefined) continue
        option.meter.value = result.percentage
        option.item.classList.toggle("leads", most > 0 && result.count === most)
        say(option.share, shown[index] ?? "")
        say(option.votes, votes(result.count))
      }
      form.classList.remove("no-results")
      say(total, totalOf(all))
    },
    hidden: (why) => {
      form.classList.add("no-results")
      for (const option of options.values()) {
        option.meter.value = 0
        option.item.classList.remove("leads")
        say(option.share, "")
        say(option.votes, "")
      }
      say(total, why)
    },
    mine: (mine, state) => {
      for (const [id, { item, mark }] of options) {
        item.classList.toggle("mine", id === mine)
        mark.dataset.status = id === mine ? state : ""
        say(mark, id === mine ? marks[state] : "")
      }
    },
    enabled: (yes) => {
      form.classList.toggle("disabled", !yes)
      // Not `disabled`: that would take the focus away from whoever has just pressed it.
      for (const { button } of options.values()) {
        button.setAttribute("aria-disabled", String(!yes))
        // The server has disabled it where the poll was not open yet.
        if (yes) button.disabled = false
      }
    },
    notice: (text, tone, receipt) => {
      notice.dataset.tone = tone
      say(noticeText, text)
      receiptLink.hidden = receipt === undefined
      if (receipt !== undefined) receiptLink.href = receipt
      // Below a long list of options, the reader might miss it.
      if (tone === "bad") notice.scrollIntoView({ block: "nearest" })
    },
    trouble: (text) => say(trouble, text),
    status: (status, text) => {
      state.dataset.status = status
      say(state, text)
    },
    times: (text) => say(times, text)
  }
}
