import type { PollView } from "../../domain/Poll.ts"
import { takesToken } from "../../domain/TakesToken.ts"
import { byId } from "../dom.ts"
import { challenge, hidden, status, tokenTrouble, trouble, vote } from "../words.ts"
import { type Live, watchResults } from "./live.ts"
import { makeOutbox } from "./outbox.ts"
import { followReceipt, receiptPath } from "./receipt.ts"
import { explainRefusal } from "./refusal.ts"
import { statusAt, timesAt } from "./schedule.ts"
import { isOldPage, makeServiceClock } from "./serviceClock.ts"
import { makeSolver } from "./solver.ts"
import { type Mine, openStore, takeToken } from "./store.ts"
import { makeView, type Tone } from "./view.ts"

const written = byId("poll", HTMLElement).dataset
const poll: PollView = JSON.parse(written.poll ?? "")
const clock = makeServiceClock(Number(written.now))
const path = `/api/polls/${poll.slug}`
const store = openStore(poll.slug)
const token = takesToken(poll.identity) ? takeToken(poll.slug) : undefined
const view = makeView(poll)
const solver = poll.challenge === undefined ? undefined : makeSolver(`${path}/challenge`, written.solver ?? "")

/** Whether the service has said that the poll is closed, whatever the clock says. */
let closed = poll.status === "closed"
/** Whether this reader can't vote: the voter has voted, or has no token. */
let barred = false
/** Whether the results can be reached. */
let reachable = true
/** Why the vote is not sent yet. */
let waiting: "network" | "service" | undefined
let live: Live | undefined
let shown = poll.status
/** How long after the close the results are asked for again, in ms. */
const afterClose = 1_000

const labelOf = (option: string): string => poll.options.find(({ id }) => id === option)?.label ?? option

const isOpen = (): boolean => statusAt(poll, closed, clock.now()) === "open"

const connectionTrouble = (pending: boolean): string => {
  if (!navigator.onLine || (pending && waiting === "network")) return pending ? trouble.offline : trouble.offlineIdle
  if (pending && waiting === "service") return trouble.busy
  return reachable || pending ? "" : trouble.stale
}

const refresh = (): void => {
  const now = clock.now()
  const current = statusAt(poll, closed, now)
  // Some polls show their results only now. Wait a little: the page knows the service's clock only to a second or so.
  if (current === "closed" && shown !== "closed") setTimeout(() => live?.refresh(), afterClose)
  shown = current
  view.status(current, status[current])
  view.times(timesAt(poll, current, now))
  const { mine, pending } = store.read()
  const final = poll.ballot === "once" && mine !== undefined && mine.status !== "lost"
  view.enabled(current === "open" && !barred && !final && pending === undefined)
  if (pending !== undefined) view.mine(pending.option, waiting === undefined ? "sending" : "waiting")
  else view.mine(mine?.option, mine?.status ?? "queued")
  view.trouble(connectionTrouble(pending !== undefined))
}

const tones: Readonly<Record<Mine["status"], Tone>> = {
  queued: "busy",
  counted: "good",
  superseded: "none",
  rejected: "bad",
  dead: "bad",
  lost: "bad"
}

const showMine = (mine: Mine): void => {
  const text = mine.status === "lost" ? vote.lost : vote[mine.status](labelOf(mine.option))
  view.notice(text, tones[mine.status], receiptPath(mine))
  refresh()
}

const follow = (mine: Mine): void => {
  store.write({ ...store.read(), mine })
  showMine(mine)
  if (mine.status !== "queued") return
  const current = (): boolean => store.read().mine?.voteId === mine.voteId && store.read().pending === undefined
  void followReceipt(mine, current, (done) => {
    store.write({ ...store.read(), mine: done })
    showMine(done)
    if (poll.results !== "after_close") live?.refresh()
  })
}

const outbox = makeOutbox({ path: `${path}/votes`, token, solver }, store, {
  sending: (option) => {
    // Said only once, though it may be tried again and again.
    if (waiting === undefined) view.notice(vote.sending(labelOf(option)), "busy")
    refresh()
  },
  solving: (option) => {
    if (waiting === undefined) view.notice(challenge.solving(labelOf(option)), "busy")
  },
  accepted: ({ option, stream_id, vote_id }) => {
    waiting = undefined
    follow({ option, voteId: vote_id, streamId: stream_id, status: "queued" })
  },
  refused: (problem) => {
    waiting = undefined
    barred ||= problem.type.endsWith(":has-voted") || problem.status === 401
    view.notice(
      explainRefusal(problem, { identity: poll.identity, open: isOpen(), hasToken: token !== undefined }),
      "bad"
    )
    refresh()
  },
  waiting: (network, option) => {
    view.notice(vote.waiting(labelOf(option)), "busy")
    waiting = network ? "network" : "service"
    refresh()
  }
})

view.form.addEventListener("submit", (event) => {
  event.preventDefault()
  const { submitter } = event
  if (!(submitter instanceof HTMLButtonElement) || submitter.getAttribute("aria-disabled") === "true") return
  const { mine } = store.read()
  if (poll.ballot === "changeable" && mine?.option === submitter.value && mine.status === "counted") {
    return view.notice(vote.already(labelOf(mine.option)), "good", receiptPath(mine))
  }
  outbox.cast(submitter.value)
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
  // A stream can't carry the token, so where the token decides who sees results, the page asks for them.
  {
    path: `${path}/results`,
    token,
    stream: !(token !== undefined && poll.results === "after_vote"),
    // The page came without results, but the server did not know who holds a token.
    hidden: poll.results !== "live" && view.form.classList.contains("no-results") && store.read().mine === undefined
  },
  {
    results: (results) => {
      closed = results.status === "closed"
      view.results(results)
      refresh()
    },
    answered: (at) => clock.hear(at),
    hidden: () => view.hidden(poll.results === "live" ? "" : hidden[poll.results]),
    reachable: (yes) => {
      reachable = yes
      refresh()
    }
  }
)

const { mine } = store.read()
if (mine !== undefined) follow(mine)
refresh()
if (isOldPage()) live.refresh()
if (isOpen() && !barred && (mine === undefined || poll.ballot !== "once")) solver?.prepare()
outbox.flush()
addEventListener("online", () => {
  refresh()
  outbox.flush()
  live?.refresh()
})
addEventListener("offline", refresh)
setInterval(refresh, 1_000)
