import type { FieldError } from "../../domain/FieldError.ts"
import type { PollView } from "../../domain/PollView.ts"
import { rulesOf } from "../../domain/Rules.ts"
import { make, say } from "../dom.ts"
import type { Answer } from "../http.ts"
import { statusNameAt } from "../poll/schedule.ts"
import { admin } from "../words/deskWords.ts"
import { form as words } from "../words/formWords.ts"
import { life as lifeWords } from "../words/lifeWords.ts"
import { logged } from "../words/logWords.ts"
import { actsOf } from "./acts.ts"
import { closingForm } from "./closingForm.ts"
import { deletionForm } from "./deletionForm.ts"
import { factsOf } from "./facts.ts"
import { showErrors } from "./fields.ts"
import { pollHistory } from "./history.ts"
import { keeping } from "./keeping.ts"
import { repeat } from "./repeat.ts"
import { downloadCsv } from "./save.ts"
import { type AdminAsk, explain } from "./session.ts"
import { sharing } from "./share.ts"
import { liveTally, type Tally } from "./tally.ts"
import { tokenMaker } from "./tokens.ts"
import { hasClosed, readPoll, type Versioned, versionedOf } from "./versioned.ts"
import { listLink } from "./views.ts"

/** How often the poll is read again, in ms. */
const interval = 2_000

/** Leads to where anyone can count the votes again. */
const logLink = (slug: string): HTMLElement =>
  make("p", {}, `${words.log}: `, make("a", { href: `/polls/${slug}/verify` }, logged.recount))

export interface Panel {
  readonly element: HTMLElement
  stop(): void
}

/** Makes the panel of one poll: its tally, and what can be done with it. It is read again and again, so what it says is true. */
export const pollPanel = (ask: AdminAsk, token: string, first: Versioned, go: (link: string) => void): Panel => {
  const { slug } = first.poll
  const state = make("span", { class: "state" })
  const title = make("h2", { tabindex: "-1" })
  const facts = make("p", { class: "hint" })
  const tallied = make("div")
  const acts = make("div", { class: "actions" })
  const parts = make("div", { class: "stack" })
  const said = make("p", { class: "trouble", role: "alert" })
  const history = pollHistory(ask, slug)
  // One for as long as the panel is there: the links that it shows are not shown again.
  const tokens = tokenMaker(ask, first.poll)
  const csv = make("button", { type: "button", class: "plain" }, admin.csv)
  csv.addEventListener("click", async () => say(said, (await downloadCsv(token, slug)) ? "" : admin.missed))
  let tally: Tally | undefined
  /** What is shown: the version and status, and what the tally is drawn for. */
  let shown = ""
  let drawn = ""

  let latest = first.poll

  const showState = (now: PollView["status"]): void => {
    state.dataset.status = now
    say(state, statusNameAt(latest, now, ask.now()))
  }
  const showTally = (poll: PollView): void => {
    const wanted = poll.status === "draft" ? "" : JSON.stringify([poll.kind, poll.options, rulesOf(poll)])
    if (wanted === drawn) return
    drawn = wanted
    tally?.stop()
    tally = wanted === "" ? undefined : liveTally(ask, poll, showState)
    tallied.replaceChildren(...(tally === undefined ? [] : [tally.element]))
  }
  const show = (versioned: Versioned): void => {
    const { poll } = versioned
    latest = poll
    showState(poll.status)
    // What is said of times changes by itself.
    say(facts, factsOf(poll, ask.now()).join(" · "))
    const now = `${poll.version} ${poll.status}`
    // What is being filled in is not taken away from under the reader's hands.
    const filling = parts.contains(document.activeElement) && document.activeElement?.matches("input:not([readonly])")
    if (now === shown || (shown !== "" && filling)) return
    // What had no answer was done all the same, or somebody else has.
    if (shown !== "" && said.textContent === admin.missed) say(said, "")
    shown = now
    say(title, poll.title)
    showTally(poll)
    const replace = (): void => {
      acts.replaceChildren(...actsOf(ask, versioned, { answered, go }), ...(poll.status === "draft" ? [] : [csv]))
      parts.replaceChildren(
        closingForm(ask, versioned, answered),
        sharing(ask, poll),
        ...(poll.identity === "token" && !hasClosed(poll) ? [tokens] : []),
        ...(poll.log === "off" || poll.status === "draft" ? [] : [logLink(slug)]),
        history.element,
        ...(poll.status === "draft" || poll.archived === true ? [deletionForm(ask, slug, () => go(listLink))] : [])
      )
    }
    if (keeping(element, replace)) title.focus({ preventScroll: true })
    history.refresh()
  }
  const answered = (answer: Answer<PollView>): void => {
    const stale = answer.kind === "problem" && answer.problem.status === 412
    const closing = parts.querySelector<HTMLFormElement>("form.closing")
    const told = (error: FieldError): boolean => closing !== null && showErrors(closing, [error])
    say(said, answer.kind === "ok" ? "" : stale ? lifeWords.stale : explain(answer, told))
    if (answer.kind === "ok") show(versionedOf(answer))
    // What was pressed may be gone, with the focus.
    if (answer.kind === "ok" && document.activeElement === document.body) title.focus({ preventScroll: true })
    looking.now()
  }
  const element = make(
    "section",
    { class: "card stack" },
    make("div", { class: "head" }, title, state),
    facts,
    tallied,
    acts,
    said,
    parts
  )
  show(first)
  const looking = repeat(interval, async () => {
    const answer = await readPoll(ask, slug)
    if (answer.kind === "ok") show(versionedOf(answer))
    else if (answer.kind === "problem" && answer.problem.status === 404) say(said, admin.none)
  })
  return {
    element,
    stop: () => {
      looking.stop()
      tally?.stop()
    }
  }
}
