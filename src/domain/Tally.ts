import { Schema } from "effect"
import { percentages } from "./Percentages.ts"
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

/** Returns the body of `GET /api/results` for a tally; `pending` is in votes, `now` the time that polls close by. */
export const toResults = (tally: Tally, pending: number, now: number): Results => {
  const shares = percentages(
    tally.options.map((option) => option.count),
    2
  )
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
