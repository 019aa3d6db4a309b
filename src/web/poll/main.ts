import type { PollView } from "../../domain/PollView.ts"
import { takesToken } from "../../domain/TakesToken.ts"
import { byId } from "../dom.ts"
import { confirm } from "../words/ballotWords.ts"
import { challenge, hidden, tokenTrouble } from "../words.ts"
import { makeChoices } from "./choices.ts"
import { makeConfirmation } from "./confirmation.ts"
import { followPoll, haveSameBallot } from "./followPoll.ts"
import { type Live, watchResults } from "./live.ts"
import { makeOutbox } from "./outbox.ts"
import { outboxEvents } from "./outboxEvents.ts"
import { makePageState } from "./pageState.ts"
import { makeRefresh } from "./refresh.ts"
import { statusAt } from "./schedule.ts"
import { isOldPage, makeServiceClock } from "./serviceClock.ts"
import { makeSolver } from "./solver.ts"
import { openStore, takeToken, tokenInLink } from "./store.ts"
import { makeTeller } from "./teller.ts"
import { makeView } from "./view.ts"
import { voterName } from "./voterName.ts"

const written = byId("poll", HTMLElement).dataset
const state = makePageState(JSON.parse(written.poll ?? ""))
const clock = makeServiceClock(Number(written.now))
const path = `/api/polls/${state.poll.slug}`
const token = takesToken(state.poll.identity) ? takeToken(state.poll.slug) : undefined
/** Whom the page remembers votes of. A browser's name comes with the page, since no script can read its cookie. */
const voter = token === undefined ? written.voter : voterName(token)
const store = openStore(state.poll, voter, () => hear())
const view = makeView(state.poll)
const solver = state.poll.challenge === undefined ? undefined : makeSolver(`${path}/challenge`, written.solver ?? "")

let live: Live | undefined
/** How long after the close hidden results are asked for, in ms: the page knows the service's clock only to a second or so. */
const afterClose = 1_000

/** Whether each vote counts, also one after another. */
const several = state.poll.ballot === "open"

const isOpen = (): boolean => statusAt(state.poll, state.said, clock.now()) === "open"

const confirmation = makeConfirmation(byId("ballot", HTMLFormElement))

const refresh = makeRefresh({ state, store, view, clock, confirmation, several })

const choices = makeChoices(state.poll, view.labelOf)

/** Shows another version of the poll, as its organiser has made it. */
const show = (before: PollView): void => {
  if (haveSameBallot(before, state.poll)) {
    view.edited(state.poll)
    if (JSON.stringify(before.options) !== JSON.stringify(state.poll.options)) teller.renamed()
  } else if (!view.ballot.isBegun() && !state.refused && store.read().pending.length === 0) location.reload()
  else {
    // What waits was chosen from other options, or by other rules.
    outbox.drop()
    state.waiting = undefined
    state.barred = true
    view.notice("", "none")
    view.outdated()
  }
  if (before.results !== state.poll.results) live?.refresh()
}

const follower = followPoll(path, state.poll, (read) => {
  const before = state.poll
  state.poll = read
  // Results that are shown say it themselves, and sooner.
  if (!view.hasResults() || read.status === "counting" || read.status === "final") state.said = read.status
  if (read.version !== before.version) show(before)
  refresh()
})

const teller = makeTeller({
  store,
  view,
  several,
  nameOf: choices.nameOf,
  changed: () => refresh(),
  settled: () => {
    if (state.poll.results !== "after_close") live?.refresh()
  }
})

/** Takes note of what another tab has done. */
const hear = (): void => {
  if (store.read().pending.length === 0) state.waiting = undefined
  if (teller.hear() && state.poll.results === "after_vote") live?.refresh()
  refresh()
}

const outbox = makeOutbox(
  { path: `${path}/votes`, token, solver, several, bodyOf: choices.bodyOf, now: clock.now },
  store,
  outboxEvents({
    state,
    teller,
    follower,
    refresh,
    isOpen,
    hasToken: token !== undefined,
    // The results may be for those who have.
    voted: () => live?.refresh()
  })
)

view.ballot.onCast((choice) => {
  const { mine } = store.read()
  if (state.poll.ballot === "changeable" && mine?.choice === choice) {
    // The second half of a double tap; said again where that may be long ago.
    if (mine.status === "queued") return
    if (mine.status === "counted") return teller.already(mine)
  }
  const cast = (): void => {
    teller.cast()
    state.refused = false
    outbox.cast(choice)
    view.ballot.sent()
  }
  if (state.poll.ballot === "once") confirmation.ask(() => confirm.asks(choices.nameOf(choice)), cast)
  else cast()
})

if (takesToken(state.poll.identity) && token === undefined) {
  state.barred = true
  state.lacks = tokenTrouble[state.poll.identity].missing
}

if (solver !== undefined && !isSecureContext) {
  state.barred = true
  state.lacks = challenge.needsHttps
}

live = watchResults(
  {
    path: `${path}/results`,
    token,
    streamed: !(token !== undefined && state.poll.results === "after_vote"),
    // The page came without results, but the server did not know who holds a token.
    hidden: state.poll.results !== "live" && !view.hasResults() && store.read().mine === undefined,
    due: () => ["counting", "final"].includes(statusAt(state.poll, state.said, clock.now() - afterClose))
  },
  {
    results: (results) => {
      state.gone = false
      state.said = results.status
      // It is closed so that it can be changed, of which its version does not tell yet.
      if (state.said === "upcoming" && isOpen()) void follower.read()
      view.results(results)
      refresh()
    },
    answered: (at) => clock.hear(at),
    hidden: () => {
      view.hidden(state.poll.results === "live" ? "" : hidden[state.poll.results])
      void follower.read()
    },
    version: follower.hear,
    gone: () => {
      state.gone = true
      refresh()
    },
    reachable: (yes) => {
      state.reachable = yes
      refresh()
    }
  }
)

teller.hear()
refresh()
if (isOldPage()) live.refresh()
if (isOpen() && !state.barred && (store.read().mine === undefined || state.poll.ballot !== "once")) solver?.prepare()
outbox.flush()
addEventListener("online", () => {
  refresh()
  outbox.flush()
  live?.refresh()
})
addEventListener("offline", refresh)
// Another tab may have been closed before it had sent its votes; and a page that the browser had put away heard of nothing.
for (const event of ["focus", "pageshow"]) {
  addEventListener(event, () => {
    hear()
    outbox.flush()
  })
}
// A key that is held down presses again and again: it would vote each time, or answer the question that it has raised.
addEventListener("keydown", (event) => {
  if (event.repeat && event.key === "Enter") event.preventDefault()
})
// The link of another voter, opened in this tab.
addEventListener("hashchange", () => {
  if (tokenInLink() !== null) location.reload()
})
setInterval(() => {
  follower.catchUp()
  refresh()
}, 1_000)
