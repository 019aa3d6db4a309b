import type { PollView } from "../../domain/PollView.ts"
import type { Results } from "../../domain/Tally.ts"
import { makeFilledBallot } from "../ballot/filledBallot.ts"
import { makeLabels } from "../ballot/labels.ts"
import { byId, make, say } from "../dom.ts"
import { drawResults, tellOutcome } from "../drawn/drawResults.ts"
import { patch } from "../drawn/patch.ts"
import { offer } from "../logFiles.ts"
import { changes, tellChanged } from "../words/changeWords.ts"
import { page, tellRule, totalOf } from "../words.ts"
import type { Ballot } from "./ballot.ts"
import { makeTapBallot } from "./tapBallot.ts"

/** How the line about the reader's vote looks. */
export type Tone = "none" | "busy" | "good" | "bad"

/** The page's parts that change, as the server has rendered them. */
export interface View {
  readonly ballot: Ballot
  /** Returns the label of an option. */
  readonly labelOf: (option: string) => string
  /** Whether the page came with results, or has them by now. */
  readonly hasResults: () => boolean
  results(results: Results): void
  /** Shown instead of hidden results. */
  hidden(why: string): void
  /** What became of the reader's vote; read out by screen readers. */
  notice(text: string, tone: Tone, receipt?: string): void
  /** Whether the public log has the vote that the notice speaks of, with the proof to keep. */
  logged(text: string, broken: boolean, proof: string): void
  /** What is wrong with the connection, if anything. */
  trouble(text: string): void
  status(status: PollView["status"], text: string): void
  times(text: string): void
  /** Shows another version of the poll; the ballot stays as it is filled in. */
  edited(poll: PollView): void
  /** Tells what was changed by that, and what the poll has been through. */
  past(lines: ReadonlyArray<string>): void
  /** Says that the ballot is another one now, and offers that. */
  outdated(): void
}

/** Shows the results of polls whose ballots are filled in. */
const drawnResults = (poll: () => PollView): { results(results: Results): void; hidden(): void } => {
  const drawn = byId("drawn", HTMLElement)
  return {
    results: (results) => patch(drawn, drawResults(poll(), results)),
    hidden: () => patch(drawn, [])
  }
}

export const makeView = (written: PollView): View => {
  let poll = written
  /** The results that are shown. */
  let shown: Results | undefined
  /** What was changed last, and all that is told of the poll's past; once the ballot is another one, that alone is. */
  let [justChanged, told, isOutdated] = ["", "", false]
  const form = byId("ballot", HTMLFormElement)
  const notice = byId("notice", HTMLElement)
  const noticeText = byId("notice-text", HTMLElement)
  const receiptLink = byId("receipt", HTMLAnchorElement)
  const loggedText = byId("logged", HTMLElement)
  const proofLink = byId("proof", HTMLAnchorElement)
  const trouble = byId("trouble", HTMLElement)
  const outcome = byId("outcome", HTMLElement)
  const total = byId("total", HTMLElement)
  const state = byId("state", HTMLElement)
  const rule = byId("rule", HTMLElement)
  const times = byId("times", HTMLElement)
  const changed = byId("changed", HTMLElement)
  const labels = makeLabels(poll.options)
  const taps = poll.kind === "single" ? makeTapBallot(form, poll, labels) : undefined
  const bars = taps ?? drawnResults(() => poll)

  const show = (results: Results): void => {
    shown = results
    bars.results(results)
    form.classList.remove("no-results")
    say(outcome, tellOutcome(poll.options, results))
    say(total, totalOf(results))
  }

  return {
    ballot: taps ?? makeFilledBallot(form, poll, labels),
    labelOf: labels.of,
    hasResults: () => !form.classList.contains("no-results"),
    results: show,
    hidden: (why) => {
      shown = undefined
      form.classList.add("no-results")
      bars.hidden()
      say(outcome, "")
      say(total, why)
    },
    notice: (text, tone, receipt) => {
      notice.dataset.tone = tone
      say(noticeText, text)
      receiptLink.hidden = receipt === undefined
      if (receipt !== undefined) receiptLink.href = receipt
      say(loggedText, "")
      proofLink.hidden = true
      // Below a long list of options, the reader might miss it.
      if (tone === "bad") notice.scrollIntoView({ block: "nearest" })
    },
    logged: (text, broken, proof) => {
      if (broken) notice.dataset.tone = "bad"
      say(loggedText, text)
      offer(proofLink, `${poll.slug}.tlog-proof`, proof)
    },
    trouble: (text) => say(trouble, text),
    status: (status, text) => {
      state.dataset.status = status
      say(state, text)
      say(rule, tellRule(poll.ballot, status))
      if (status === "open") form.hidden = false
    },
    times: (text) => say(times, text),
    edited: (now) => {
      justChanged = tellChanged(poll, now)
      poll = now
      document.title = `${poll.title} · ${page.name}`
      say(byId("title", HTMLElement), poll.title)
      say(byId("description", HTMLElement), poll.description ?? "")
      labels.change(poll.options)
      if (shown !== undefined) show(shown)
    },
    past: (lines) => {
      const all = [justChanged, ...lines].filter((line) => line !== "")
      if (isOutdated || all.join("\n") === told) return
      told = all.join("\n")
      changed.replaceChildren(...all.map((line) => make("p", {}, line)))
    },
    outdated: () => {
      isOutdated = true
      const again = make("a", { href: location.pathname }, changes.fresh)
      changed.className = "notice"
      changed.dataset.tone = "bad"
      changed.replaceChildren(make("p", {}, changes.ballot), again)
      changed.scrollIntoView({ block: "nearest" })
    }
  }
}
