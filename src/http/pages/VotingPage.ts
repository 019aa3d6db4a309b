import type { Poll } from "../../domain/Poll.ts"
import { shutUntil } from "../../domain/PollPhase.ts"
import { isLaterStatus, type PollStatus } from "../../domain/PollStatus.ts"
import { toView } from "../../domain/PollView.ts"
import { takesToken } from "../../domain/TakesToken.ts"
import type { Results } from "../../domain/Tally.ts"
import { drawResults, tellOutcome } from "../../web/drawn/drawResults.ts"
import { tellHistory } from "../../web/words/changeWords.ts"
import { moment, until } from "../../web/words/formats.ts"
import { logged } from "../../web/words/logWords.ts"
import { results as resultWords } from "../../web/words/resultWords.ts"
import {
  challenge,
  hidden,
  nameStatus,
  tellRule,
  times,
  tokenField,
  totalOf,
  vote,
  page as words
} from "../../web/words.ts"
import type { Reader } from "../voting/Voters.ts"
import type { Assets } from "./Assets.ts"
import { ballotForm, type Refilled } from "./BallotForm.ts"
import { type Html, html, treeHtml } from "./Html.ts"
import { layout } from "./Layout.ts"
import { sharedAs } from "./Sharing.ts"
import { tapForm } from "./TapForm.ts"

/** What the page says about a vote that its form has sent. */
export interface Notice {
  readonly text: string
  readonly tone: "busy" | "good" | "bad" | "none"
  /** Where the receipt is looked up. */
  readonly receipt?: string
}

export interface VotingPage {
  readonly poll: Poll
  readonly now: number
  /** Where the page is served, such as `https://vote.example`; undefined where that can't be told. */
  readonly origin: string | undefined
  /** Whom the page remembers votes of; undefined where it can't tell browsers apart, or need not. */
  readonly reader: Pick<Reader, "name"> | undefined
  /** Undefined where they can't be read, or must not be seen. */
  readonly results: Results | undefined
  /** The form's idempotency key: sent twice, it is one vote. */
  readonly key: string
  readonly notice?: Notice | undefined
  /** What was sent by the form, where it could not be taken. */
  readonly refilled?: Refilled | undefined
}

/** Returns the page of a poll: a form that can vote by itself, which the script makes live. */
export const votingPage = (assets: Assets, page: VotingPage): string => {
  const { key, notice, now, origin, poll, reader, refilled, results } = page
  const view = toView(poll, now)
  const status = results !== undefined && isLaterStatus(results.status, view.status) ? results.status : view.status
  const goesOn = status === "upcoming" ? shutUntil(poll, now) : undefined
  const total = results !== undefined ? totalOf(results) : poll.results === "live" ? "" : hidden[poll.results]
  const enabled = status === "open" && poll.challenge === undefined
  const isTapped = poll.rules.kind === "single"
  // Where results are a part of their own, a ballot that can't be cast any more would only stand before them.
  const isOver = !isTapped && isLaterStatus(status, "open")
  const outcome = results === undefined ? "" : tellOutcome(poll.options, results)
  const outcomeAndTotal = html`<p class="outcome" id="outcome">${outcome}</p>
<p class="total" id="total">${total}</p>`
  return layout(assets, {
    title: poll.title,
    style: ["page.css"],
    script: "poll.js",
    head: sharedAs(assets, poll, origin),
    aside: html`<span class="state" id="state" role="status" data-status="${status}">${nameStatus(status, goesOn !== undefined)}</span>`,
    main: html`<main id="poll" data-poll="${JSON.stringify({ ...view, status })}" data-now="${now}" ${reader && html`data-voter="${reader.name}"`} ${poll.challenge && html`data-solver="${assets.url("solver.js")}"`}>
<h1 id="title">${poll.title}</h1>
<p class="description" id="description">${poll.description}</p>
<p class="rule"><span id="rule">${tellRule(poll.ballot, status)}</span> <span id="times">${goesOn === undefined ? timesOf(poll, status) : times.changing(until(goesOn - now))}</span></p>
<div class="changed" id="changed" role="status">${tellHistory(view, now, "UTC").map((line) => html`<p>${line}</p>`)}</div>
<form id="ballot" method="post" action="/polls/${poll.slug}" class="${results === undefined ? "no-results" : ""}" ${isOver ? html`hidden` : undefined}>
<input type="hidden" name="key" value="${key}">
${isLaterStatus(status, "open") ? undefined : withoutScript(poll, refilled)}
${isTapped ? tapForm(poll, results, enabled) : ballotForm(poll, enabled, refilled)}
</form>
${isTapped ? outcomeAndTotal : undefined}
<div class="news">
<div class="notice" id="notice" data-tone="${notice?.tone ?? "none"}"><p id="notice-text" role="status">${notice?.text}</p>
<a id="receipt" href="${notice?.receipt ?? "#"}" ${notice?.receipt === undefined ? html`hidden` : undefined}>${vote.receipt}</a>
<p id="logged" role="status"></p><a id="proof" hidden>${logged.proof}</a></div>
<p class="trouble" id="trouble" role="status"></p>
</div>
${
  isTapped
    ? undefined
    : html`<section class="results" aria-labelledby="results-title"><h2 id="results-title">${resultWords.heading}</h2>
${outcomeAndTotal}
<div id="drawn">${results && drawResults(view, results).map(treeHtml)}</div></section>`
}
${poll.log === "off" ? undefined : html`<p class="recount"><a href="/polls/${poll.slug}/verify">${logged.recount}</a></p>`}
<noscript><p class="reload"><a href="/polls/${poll.slug}">${words.reload}</a></p></noscript>
</main>`
  })
}

/** Returns what the form has to say or to ask where no script does. */
const withoutScript = (poll: Poll, refilled: Refilled | undefined): Html | undefined => {
  if (poll.challenge !== undefined) return html`<noscript><p>${challenge.needsScript}</p></noscript>`
  if (!takesToken(poll.identity)) return undefined
  // Long, and copied from elsewhere: it stays where something else was wrong.
  const [sent, wrong] = [refilled?.fields.get("token") ?? "", refilled?.token]
  return html`<noscript><p><label>${tokenField} <input name="token" autocomplete="off" required value="${sent}" aria-describedby="error-token" ${wrong && html`aria-invalid="true"`}></label></p>
<p class="field-error" id="error-token">${wrong}</p></noscript>`
}

/** Returns the poll's times in UTC, since the reader's zone is not known here; the script replaces them. */
const timesOf = ({ closesMs, opensMs }: Poll, status: PollStatus): string => {
  if (status === "upcoming" && opensMs !== undefined) return times.opensAt(moment(opensMs, "UTC"))
  if (closesMs === undefined || status === "upcoming" || status === "draft") return ""
  const at = moment(closesMs, "UTC")
  return status === "open" ? times.closesAt(at) : `${times.closed(at)}. ${times[status]}`
}

/** Returns the page for a poll that does not exist. */
export const notFoundPage = (assets: Assets): string =>
  layout(assets, {
    title: words.notFound,
    style: ["page.css"],
    script: "missing.js",
    main: html`<main><h1>${words.notFound}</h1><p>${words.notFoundHint}</p></main>`
  })
