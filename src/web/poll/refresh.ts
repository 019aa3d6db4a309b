import { tellHistory } from "../words/changeWords.ts"
import { nameStatus, trouble } from "../words.ts"
import type { Confirmation } from "./confirmation.ts"
import type { PageState } from "./pageState.ts"
import { statusAt, statusNameAt, timesAt } from "./schedule.ts"
import type { ServiceClock } from "./serviceClock.ts"
import type { Store } from "./store.ts"
import type { View } from "./view.ts"

const connectionTrouble = ({ gone, reachable, waiting }: PageState, pending: number): string => {
  if (gone) return trouble.gone
  if (!navigator.onLine) return pending > 0 ? trouble.offline(pending) : trouble.offlineIdle
  if (pending === 0) return reachable ? "" : trouble.stale
  if (waiting === undefined) return ""
  if (waiting === "poll") return trouble.changing(pending)
  return waiting === "network" ? trouble.unreachable(pending) : trouble.busy(pending)
}

export interface RefreshOptions {
  readonly state: PageState
  readonly store: Store
  readonly view: View
  readonly clock: ServiceClock
  readonly confirmation: Confirmation
  /** Whether each vote counts, also one after another. */
  readonly several: boolean
}

/** Makes the function that shows how the poll stands by now, whether it can be voted in, and the reader's vote. */
export const makeRefresh = ({ clock, confirmation, several, state, store, view }: RefreshOptions): (() => void) => {
  /** Whether the reader was being asked about a vote when the poll closed. */
  let dropped = false
  /** What the page says that the reader lacks for a vote. */
  let lacked = ""
  return () => {
    const { barred, gone, lacks, poll, said, waiting } = state
    const now = clock.now()
    const current = statusAt(poll, said, now)
    if (gone) view.status("final", nameStatus("gone", false))
    else view.status(current, statusNameAt(poll, current, now))
    view.times(timesAt(poll, current, now))
    view.past(tellHistory(poll, now))
    const { mine, pending } = store.read()
    const final = poll.ballot === "once" && mine !== undefined && mine.status !== "lost"
    const [first] = pending
    const possible = current === "open" && !barred && !gone && !final && (several || first === undefined)
    // Before the ballot, which takes the focus that goes back to it.
    const isOver = current === "counting" || current === "final"
    // Who can only look at a result lacks nothing.
    const lacking = isOver || gone ? "" : lacks
    if (lacking !== lacked) view.notice(lacking, lacking === "" ? "none" : "bad")
    lacked = lacking
    dropped = (confirmation.update(possible) || dropped) && isOver
    view.ballot.enabled(possible)
    if (first !== undefined) view.ballot.mine(first.choice, waiting === undefined ? "sending" : "waiting")
    else view.ballot.mine(mine?.choice, mine?.status ?? "queued")
    const unsent = isOver && (dropped || view.ballot.isBegun()) ? trouble.unsent : ""
    view.trouble(connectionTrouble(state, pending.length) || unsent)
  }
}
