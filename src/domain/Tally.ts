import { Schema } from "effect"
import { type Poll, PollStatus, pollStatus } from "./Poll.ts"

/** One option's count, in votes. */
export interface OptionCount {
  readonly option: string
  readonly count: number
}

/** A poll's tally as the ledger holds it at one revision. */
export interface Tally extends Pick<Poll, "opensMs" | "closesMs"> {
  readonly poll: string
  readonly revision: number
  /** Names the ledger, as long as it is the same: revisions of two epochs can't be compared. */
  readonly epoch: string
  readonly lastUpdated: Date
  /** In the poll's order. */
  readonly options: ReadonlyArray<OptionCount>
}

/** The body of `GET /api/results`. */
export const Results = Schema.Struct({
  poll: Schema.String,
  status: PollStatus,
  results: Schema.Array(
    Schema.Struct({
      option: Schema.String,
      count: Schema.Int,
      percentage: Schema.Finite.annotate({ description: "Of all counted votes, two decimals; all add up to 100.00" })
    })
  ).annotate({ description: "Most votes first, ties in the poll's order" }),
  total_votes: Schema.Int,
  pending: Schema.Int.annotate({ description: "Votes accepted and not yet counted, all polls together" }),
  revision: Schema.Int.annotate({ description: "Rises with each counted batch of the poll" }),
  last_updated: Schema.String.annotate({ description: "RFC 3339", format: "date-time" })
})
export type Results = typeof Results.Type

/**
 * Returns the counts as percentages with two decimals that add up to exactly 100.00, all 0 where there are no votes. By the
 * largest-remainder method: all are rounded down, and those cut the most get the missing hundredths.
 */
export const percentages = (counts: ReadonlyArray<number>): ReadonlyArray<number> => {
  const total = counts.reduce((sum, count) => sum + BigInt(count), 0n)
  if (total === 0n) return counts.map(() => 0)
  // In bigint: 10,000 times a count can be beyond what a double holds exactly.
  const scaled = counts.map((count) => BigInt(count) * 10_000n)
  const hundredths = scaled.map((share) => Number(share / total))
  let missing = 10_000 - hundredths.reduce((sum, share) => sum + share, 0)
  const byRemainder = scaled
    .map((share, index) => ({ index, remainder: share % total }))
    .sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder < b.remainder ? 1 : -1))
  for (const { index } of byRemainder) {
    if (missing-- <= 0) break
    hundredths[index] = (hundredths[index] ?? 0) + 1
  }
  return hundredths.map((share) => share / 100)
}

/** Returns the body of `GET /api/results` for a tally; `pending` is in votes, `now` the time that polls close by. */
export const toResults = (tally: Tally, pending: number, now: number): Results => {
  const shares = percentages(tally.options.map((option) => option.count))
  return {
    poll: tally.poll,
    status: pollStatus(tally, now),
    results: tally.options
      .map(({ option, count }, index) => ({ option, count, percentage: shares[index] ?? 0 }))
      // A stable sort keeps ties in the poll's order.
      .sort((a, b) => b.count - a.count),
    total_votes: tally.options.reduce((sum, option) => sum + option.count, 0),
    pending,
    revision: tally.revision,
    last_updated: tally.lastUpdated.toISOString()
  }
}
