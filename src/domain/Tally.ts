import { Schema } from "effect"
import { percentages } from "./Percentages.ts"
import { PollStatus, type PollTimes, pollStatus } from "./Poll.ts"

/** One option's count, in votes. */
export interface OptionCount {
  readonly option: string
  readonly count: number
}

/** How a result has changed after it became final, as by a dead letter that was counted after all. */
export interface ChangedAfterFinal {
  /** When it changed the last time. */
  readonly at: Date
  /** The counts that it became final with, in the poll's order. */
  readonly counts: ReadonlyArray<OptionCount>
}

/** A poll's tally as the ledger holds it at one revision. */
export interface Tally extends PollTimes {
  readonly poll: string
  readonly revision: number
  /** Names the ledger, as long as it is the same: revisions of two epochs can't be compared. */
  readonly epoch: string
  readonly lastUpdated: Date
  /** In the poll's order. */
  readonly options: ReadonlyArray<OptionCount>
  /** Only where it did. */
  readonly changedAfterFinal?: ChangedAfterFinal
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
  last_updated: Schema.String.annotate({ description: "RFC 3339", format: "date-time" }),
  final_at: Schema.optionalKey(
    Schema.String.annotate({ description: "When the result became final; RFC 3339", format: "date-time" })
  ),
  changed_after_final: Schema.optionalKey(
    Schema.Struct({
      at: Schema.String.annotate({ description: "The last time; RFC 3339", format: "date-time" }),
      counts: Schema.Array(Schema.Struct({ option: Schema.String, count: Schema.Int })).annotate({
        description: "The counts that the result became final with, in the poll's order"
      })
    }).annotate({
      description:
        "Only where the result has changed after it became final, as by a dead letter that was counted after all"
    })
  )
})
export type Results = typeof Results.Type

/** Returns the body of `GET /api/results` for a tally; `pending` is in votes, `now` the time that polls close by. */
export const toResults = (tally: Tally, pending: number, now: number): Results => {
  const shares = percentages(
    tally.options.map((option) => option.count),
    2
  )
  const changed = tally.changedAfterFinal
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
    last_updated: tally.lastUpdated.toISOString(),
    ...(tally.finalMs === undefined ? {} : { final_at: new Date(tally.finalMs).toISOString() }),
    ...(changed === undefined ? {} : { changed_after_final: { at: changed.at.toISOString(), counts: changed.counts } })
  }
}
