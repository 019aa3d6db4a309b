import { Effect } from "effect"
import type { Counted, Ledger } from "../ledger/Ledger.ts"
import type { VoteColumns } from "../ledger/VoteColumns.ts"
import { durations, makeMeter } from "../Meter.ts"

/** The metrics of reading and counting. */
export interface CountMetrics {
  /** Returns the same ledger, with each of its answers measured. */
  measured(ledger: Ledger["Service"]): Ledger["Service"]
  /** Counts votes that were given to a consumer once more, or taken over by one. */
  redelivered(poll: string, votes: number): void
  /** Counts entries that the stream lost before they were counted. */
  lost(entries: number): void
  /** Counts a read of the stream that did not take the fast path. */
  plainRead(): void
}

/** The name under which dead votes in polls that don't exist are counted, since anyone can make such names up. */
const noPoll = "unknown"

const batchSizes = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000]

export const makeCountMetrics: Effect.Effect<CountMetrics> = Effect.map(makeMeter, (meter): CountMetrics => {
  const votes = (what: string, about: string) => meter.counterByPoll(`tallykeep_votes_${what}_total`, about)
  const statuses = {
    counted: votes("counted", "Votes counted, as they came into the ledger: a later one may take their place"),
    rejected: votes("rejected", "Votes that the ballot rule, or the poll's opening or closing, kept from counting"),
    superseded: votes("superseded", "Votes that came into the ledger after a later one of their voter")
  }
  const duplicate = votes("duplicate", "Entries whose vote the ledger held already")
  const dead = votes("dead", "Votes that became dead letters")
  const redelivered = votes("redelivered", "Votes given to a consumer once more, or to another one")
  const lost = meter.counter("tallykeep_votes_lost_total", "Entries that were deleted before they were counted")
  const plainRead = meter.counter(
    "tallykeep_plain_reads_total",
    "Reads by the pool that Redis's client decoded, since their bytes could not be read directly"
  )
  const batch = meter.histogram("tallykeep_batch_votes", "Votes in a batch", batchSizes)
  const took = meter.histogram("tallykeep_count_duration_seconds", "How long the ledger took for a batch", durations)
  const age = meter.histogram("tallykeep_vote_age_seconds", "From a vote's acceptance to its commit", durations)
  const polls = new Set<string>()

  const record = (entries: VoteColumns, { recorded, refusals }: Counted, seconds: number) => {
    batch(entries.length)
    took(seconds)
    let fresh = refusals.length
    for (const { poll, status, votes } of recorded) {
      fresh += votes
      polls.add(poll)
      statuses[status](poll, votes)
    }
    const now = Date.now()
    for (let index = 0; index < entries.length; index++) age(Math.max(0, now - entries.msAt(index)) / 1000)
    if (fresh < entries.length) recordDuplicates(entries, { recorded, refusals })
  }

  const recordDuplicates = (entries: VoteColumns, { recorded, refusals }: Counted) => {
    const rest = entries.byPoll()
    const take = (poll: string, votes: number) => {
      rest.set(poll, (rest.get(poll) ?? 0) - votes)
    }
    for (const { index } of refusals) take(entries.at(index).poll, 1)
    for (const { poll, votes } of recorded) take(poll, votes)
    for (const [poll, votes] of rest) if (votes > 0) duplicate(poll, votes)
  }

  return {
    measured: (ledger) => ({
      ...ledger,
      count: (entries) =>
        Effect.suspend(() => {
          const started = performance.now()
          return Effect.tap(ledger.count(entries), (counted) =>
            Effect.sync(() => record(entries, counted, (performance.now() - started) / 1000))
          )
        }),
      bury: (entries) =>
        Effect.tap(ledger.bury(entries), (buried) =>
          Effect.sync(() => {
            for (const { poll } of buried) dead(poll !== null && polls.has(poll) ? poll : noPoll)
          })
        )
    }),
    redelivered,
    lost,
    plainRead: () => plainRead()
  }
})
