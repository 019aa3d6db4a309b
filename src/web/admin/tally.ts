import type { PollView } from "../../domain/PollView.ts"
import type { Results } from "../../domain/Tally.ts"
import { make, say } from "../dom.ts"
import { drawResults, tellOutcome } from "../drawn/drawResults.ts"
import { patch } from "../drawn/patch.ts"
import { branch } from "../drawn/tree.ts"
import { admin } from "../words/deskWords.ts"
import { count } from "../words/formats.ts"
import { page, totalOf } from "../words.ts"
import { makeChart } from "./chart.ts"
import { repeat } from "./repeat.ts"
import type { AdminAsk } from "./session.ts"

/** How often the poll's results are read, in ms. */
const interval = 1_000
/** Over how many samples the votes per second are averaged: readings are a second apart, but not always on time. */
const span = 8

export interface Tally {
  readonly element: HTMLElement
  stop(): void
}

const figure = (label: string, hint?: string) => {
  const value = make("dd", {}, page.noCount)
  const term = make("dt", {}, label)
  if (hint !== undefined) term.append(make("small", {}, ` ${hint}`))
  return { value, element: make("div", { class: "figure" }, term, value) }
}

/** Shows a poll's results live, as the admin sees them, even where voters do not; `told` hears of its status. */
export const liveTally = (ask: AdminAsk, poll: PollView, told: (status: PollView["status"]) => void): Tally => {
  const total = figure(admin.counted)
  const rate = figure(admin.perSecond)
  const backlog = figure(admin.backlog, admin.backlogHint)
  const chart = makeChart()
  const drawn = make("div", { class: "results" })
  const trouble = make("p", { class: "trouble", role: "status" })
  const seen: Array<{ readonly at: number; readonly total: number }> = []
  let going = true

  const show = (results: Results): void => {
    told(results.status)
    // A time that the chart can show, and that no correction of the clock sets back.
    const at = performance.timeOrigin + performance.now()
    seen.push({ at, total: results.total_votes })
    if (seen.length > span + 1) seen.shift()
    const first = seen[0] ?? { at, total: results.total_votes }
    const perSecond = at > first.at ? ((results.total_votes - first.total) * 1000) / (at - first.at) : 0
    chart.add({ at, perSecond, backlog: results.pending })
    say(total.value, count(results.total_votes))
    say(rate.value, count(Math.round(perSecond)))
    say(backlog.value, count(results.pending))
    const outcome = tellOutcome(poll.options, results)
    const head = [branch("p", { class: "outcome" }, outcome), branch("p", { class: "soft" }, totalOf(results))]
    patch(drawn, [...head, ...drawResults(poll, results)])
  }

  const look = async (): Promise<void> => {
    const answer = await ask<Results>(`/api/polls/${poll.slug}/results`)
    if (!going) return
    say(trouble, answer.kind === "ok" ? "" : admin.away)
    if (answer.kind === "ok") show(answer.body)
  }
  const looking = repeat(interval, look)
  return {
    element: make(
      "div",
      { class: "stack" },
      make("dl", { class: "figures" }, total.element, rate.element, backlog.element),
      drawn,
      make(
        "p",
        { class: "key" },
        make("span", { class: "key-rate" }, admin.perSecond),
        make("span", { class: "key-backlog" }, admin.backlog)
      ),
      chart.element,
      trouble
    ),
    stop: () => {
      going = false
      looking.stop()
      chart.stop()
    }
  }
}
