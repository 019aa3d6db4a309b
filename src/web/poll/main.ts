import type { PollView } from "../../domain/PollView.ts"
import { takesToken } from "../../domain/TakesToken.ts"
import { byId } from "../dom.ts"
import { confirm } from "../words/ballotWords.ts"
import { challenge, hidden, nameStatus, tokenTrouble, trouble } from "../words.ts"
import { makeChoices } from "./choices.ts"
import { makeConfirmation } from "./confirmation.ts"
import { followPoll, haveSameBallot } from "./followPoll.ts"
import { type Live, watchResults } from "./live.ts"
import { makeOutbox, type Wait } from "./outbox.ts"
import { explainRefusal } from "./refusal.ts"
import { statusAt, statusNameAt, timesAt } from "./schedule.ts"
import { isOldPage, makeServiceClock } from "./serviceClock.ts"
import { makeSolver } from "./solver.ts"
import { openStore, takeToken, tokenInLink } from "./store.ts"
import { makeTeller } from "./teller.ts"
import { makeView } from "./view.ts"
import { voterName } from "./voterName.ts"

const written = byId("poll", HTMLElement).dataset
let poll: PollView = JSON.parse(written.poll ?? "")
const clock = makeServiceClock(Number(written.now))
const path = `/api/polls/${poll.slug}`
const token = takesToken(poll.identity) ? takeToken(poll.slug) : undefined
/** Whom the page remembers votes of. A browser's name comes with the page, since no script can read its cookie. */
const voter = token === undefined ? written.voter : voterName(token)
const store = openStore(poll.slug, voter, () => hear())
const view = makeView(poll)
const solver = poll.challenge === undefined ? undefined : makeSolver(`${path}/challenge`, written.solver ?? "")

/** What the service has said of the poll's status, whatever the clock says. */
let said = poll.status
/** Whether this reader can't vote: the voter has voted, or has no token. */
let barred = false
/** Whether the results can be reached. */
let reachable = true
/** Whether the poll is not there any more. */
let gone = false
/** Whether the last vote was refused. */
let refused = false
/** Why the vote is not sent yet. */
let waiting: Wait | undefined
let live: Live | undefined
/** How long after the close hidden results are asked for, in ms: the page knows the service's clock only to a second or so. */
const afterClose = 1_000

/** Whether each vote counts, also one after another. */
const several = poll.ballot === "open"

const isOpen = (): boolean => statusAt(poll, said, clock.now()) === "open"

const connectionTrouble = (pending: number): string => {
  if (gone) return trouble.gone
  if (!navigator.onLine) return pending > 0 ? trouble.offline(pending) : trouble.offlineIdle
  if (pending === 0) return reachable ? "" : trouble.stale
  if (waiting === undefined) return ""
  if (waiting === "poll") return trouble.changing(pending)
  return waiting === "network" ? trouble.unreachable(pending) : trouble.busy(pending)
}

const refresh = (): void => {
  const now = clock.now()
  const current = statusAt(poll, said, now)
  if (gone) view.status("final", nameStatus("gone", false))
  else view.status(current, statusNameAt(poll, current, now))
  view.times(timesAt(poll, current, now))
  const { mine, pending } = store.read()
  const final = poll.ballot === "once" && mine !== undefined && mine.status !== "lost"
  const [first] = pending
  view.ballot.enabled(current === "open" && !barred && !gone && !final && (several || first === undefined))
  if (first !== undefined) view.ballot.mine(first.choice, waiting === undefined ? "sending" : "waiting")
  else view.ballot.mine(mine?.choice, mine?.status ?? "queued")
  view.trouble(connectionTrouble(pending.length))
}

const choices = makeChoices(poll, view.labelOf)

/** Shows another version of the poll, as its organiser has made it. */
const show = (before: PollView): void => {
  if (haveSameBallot(before, poll)) {
    view.edited(poll)
    if (JSON.stringify(before.options) !== JSON.stringify(poll.options)) teller.renamed()
  } else if (!view.ballot.isBegun() && !refused && store.read().pending.length === 0) location.reload()
  else {
    // What waits was chosen from other options, or by other rules.
    outbox.drop()
    waiting = undefined
    barred = true
    view.notice("", "none")
    view.outdated()
  }
  if (before.results !== poll.results) live?.refresh()
}

const follower = followPoll(path, poll, (read) => {
  const before = poll
  poll = read
  // Results that are shown say it themselves, and sooner.
  if (!view.hasResults() || read.status === "counting" || read.status === "final") said = read.status
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
    if (poll.results !== "after_close") live?.refresh()
  }
})

/** Takes note of what another tab has done. */
const hear = (): void => {
  if (store.read().pending.length === 0) waiting = undefined
  if (teller.hear() && poll.results === "after_vote") live?.refresh()
  refresh()
}

const outbox = makeOutbox({ path: `${path}/votes`, token, solver, several, bodyOf: choices.bodyOf }, store, {
  // Said only once, though it may be tried again and again.
  sending: (choice) => {
    if (waiting === undefined) teller.sending(choice)
    refresh()
  },
  solving: (choice) => {
    if (waiting === undefined) teller.solving(choice)
  },
  accepted: ({ stream_id, vote_id }, { choice, key }) => {
    waiting = undefined
    teller.accepted({ choice, voteId: vote_id, streamId: stream_id, key, status: "queued" })
  },
  refused: (problem) => {
    waiting = undefined
    barred ||= problem.type.endsWith(":has-voted") || problem.status === 401
    refused = true
    // It may be a vote by another ballot than there is by now.
    if (problem.type.endsWith(":poll-not-open") || problem.status === 422) void follower.read()
    const open = isOpen()
    teller.refused(explainRefusal(problem, { identity: poll.identity, open, hasToken: token !== undefined }))
    refresh()
  },
  waiting: (why, choice) => {
    teller.waiting(choice)
    waiting = why
    if (why === "poll") void follower.read()
    refresh()
  },
  full: teller.full
})

const confirmed = makeConfirmation(byId("ballot", HTMLFormElement))

view.ballot.onCast((choice) => {
  const { mine } = store.read()
  if (poll.ballot === "changeable" && mine?.choice === choice) {
    // The second half of a double tap; said again where that may be long ago.
    if (mine.status === "queued") return
    if (mine.status === "counted") return teller.already(mine)
  }
  const cast = (): void => {
    teller.cast()
    refused = false
    outbox.cast(choice)
    view.ballot.sent()
  }
  if (poll.ballot === "once") confirmed(confirm.asks(choices.nameOf(choice)), cast)
  else cast()
})

if (takesToken(poll.identity) && token === undefined) {
  barred = true
  view.notice(tokenTrouble[poll.identity].missing, "bad")
}

if (solver !== undefined && !isSecureContext) {
  barred = true
  view.notice(challenge.needsHttps, "bad")
}

live = watchResults(
  {
    path: `${path}/results`,
    token,
    streamed: !(token !== undefined && poll.results === "after_vote"),
    // The page came without results, but the server did not know who holds a token.
    hidden: poll.results !== "live" && !view.hasResults() && store.read().mine === undefined,
    due: () => ["counting", "final"].includes(statusAt(poll, said, clock.now() - afterClose))
  },
  {
    results: (results) => {
      gone = false
      said = results.status
      // It is closed so that it can be changed, of which its version does not tell yet.
      if (said === "upcoming" && isOpen()) void follower.read()
      view.results(results)
      refresh()
    },
    answered: (at) => clock.hear(at),
    hidden: () => {
      view.hidden(poll.results === "live" ? "" : hidden[poll.results])
      void follower.read()
    },
    version: follower.hear,
    gone: () => {
      gone = true
      refresh()
    },
    reachable: (yes) => {
      reachable = yes
      refresh()
    }
  }
)

teller.hear()
refresh()
if (isOldPage()) live.refresh()
if (isOpen() && !barred && (store.read().mine === undefined || poll.ballot !== "once")) solver?.prepare()
outbox.flush()
addEventListener("online", () => {
  refresh()
  outbox.flush()
  live?.refresh()
})
addEventListener("offline", refresh)
// Another tab may have been closed before it had sent its votes.
addEventListener("focus", () => {
  hear()
  outbox.flush()
})
// The link of another voter, opened in this tab.
addEventListener("hashchange", () => {
  if (tokenInLink() !== null) location.reload()
})
setInterval(() => {
  follower.catchUp()
  refresh()
}, 1_000)
