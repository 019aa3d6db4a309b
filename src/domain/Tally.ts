import { Schema } from "effect"
import { leaders, OptionResult, type OptionTally, OptionTotal, optionResults, optionTotal } from "./OptionResult.ts"
import { KindName } from "./PollRules.ts"
import { PollStatus, type PollTimes, pollStatus } from "./PollStatus.ts"
import type { Kind } from "./Rules.ts"
import { Tabulation } from "./tabulation/Tabulation.ts"

/** How a result has changed after it became final, as by a dead letter that was counted after all. */
export interface ChangedAfterFinal {
  /** When it changed the last time. */
  readonly at: Date
  /** The counts and sums that it became final with, in the poll's order. */
  readonly counts: ReadonlyArray<Omit<OptionTally, "scores">>
}

/** A poll's tally as the ledger holds it at one revision. */
export interface Tally extends PollTimes {
  readonly poll: string
  /** The poll's version: what organisers have changed of it. */
  readonly version: number
  readonly revision: number
  /** Names the ledger, as long as it is the same: revisions of two epochs can't be compared. */
  readonly epoch: string
  readonly lastUpdated: Date
  readonly kind: Kind
  /** How many options can win: more than one only under `stv`. */
  readonly seats: number
  /** In the poll's order. */
  readonly options: ReadonlyArray<OptionTally>
  /** How many votes count, abstentions too. */
  readonly ballots: number
  readonly abstained: number
  /** Of a ranked poll, once there is one. */
  readonly tabulation?: TabulationAt
  /** Only where it did. */
  readonly changedAfterFinal?: ChangedAfterFinal
}

/** A ranked poll's tabulation, and the revision of the tally that it is of. */
export interface TabulationAt {
  readonly revision: number
  readonly tabulation: Tabulation
}

const { winners: _, ...tabulationFields } = Tabulation.fields

const ResultsTabulation = Schema.Struct({
  revision: Schema.Int.annotate({
    description: "The revision of the results that it is of; an earlier one while votes come in"
  }),
  ...tabulationFields
}).annotate({ identifier: "ResultsTabulation" })

const ChangedAfterFinalBody = Schema.Struct({
  at: Schema.String.annotate({ description: "The last time; RFC 3339", format: "date-time" }),
  counts: Schema.Array(OptionTotal).annotate({
    description: "What the result became final with, in the poll's order"
  })
}).annotate({ identifier: "ChangedAfterFinal" })

/** The body of `GET /api/results`. */
export const Results = Schema.Struct({
  poll: Schema.String,
  kind: KindName,
  status: PollStatus,
  results: Schema.Array(OptionResult).annotate({
    description:
      "The best first, ties in the poll's order: most ballots first (multiple, single; ranked: first places), most points, or the best mean of scores"
  }),
  total_votes: Schema.Int.annotate({ description: "The same as `ballots`" }),
  ballots: Schema.Int.annotate({ description: "Votes that count, abstentions too" }),
  abstained: Schema.Int.annotate({ description: "How many of the ballots say nothing" }),
  winners: Schema.Array(Schema.String).annotate({
    description:
      "The ids of all options that lead, in the poll's order: they have won once `status` is `final`. ranked: as the tabulation has them; none until there is one, which a final result waits for to be of its own revision"
  }),
  tie: Schema.Boolean.annotate({ description: "Whether more options lead than there are seats" }),
  tabulation: Schema.optionalKey(ResultsTabulation),
  pending: Schema.Int.annotate({ description: "Votes accepted and not yet counted, all polls together" }),
  revision: Schema.Int.annotate({ description: "Rises with each counted batch of the poll" }),
  version: Schema.Int.annotate({
    description:
      "The poll's version: raised with each change that an organiser makes, so that a page reads the poll again"
  }),
  last_updated: Schema.String.annotate({ description: "RFC 3339", format: "date-time" }),
  final_at: Schema.optionalKey(
    Schema.String.annotate({ description: "When the result became final; RFC 3339", format: "date-time" })
  ),
  changed_after_final: Schema.optionalKey(
    ChangedAfterFinalBody.annotate({
      description:
        "Only where the result has changed after it became final, as by a dead letter that was counted after all"
    })
  )
}).annotate({ identifier: "Results" })
export type Results = typeof Results.Type

/** Returns who leads. A ranked poll's final winners are only told by the tabulation of just that revision. */
const winnersOf = ({ finalMs, kind, options, revision, tabulation }: Tally): ReadonlyArray<string> => {
  if (kind !== "ranked") return leaders(kind, options)
  if (tabulation === undefined || (finalMs !== undefined && tabulation.revision !== revision)) return []
  return tabulation.tabulation.winners
}

const showTabulation = ({ revision, tabulation }: TabulationAt): typeof ResultsTabulation.Type => {
  const { winners: _, ...shown } = tabulation
  return { revision, ...shown }
}

/** Returns the body of `GET /api/results` for a tally; `pending` is in votes, `now` the time that polls close by. */
export const toResults = (tally: Tally, pending: number, now: number): Results => {
  const { abstained, ballots, changedAfterFinal: changed, kind, tabulation } = tally
  const winners = winnersOf(tally)
  return {
    poll: tally.poll,
    kind,
    status: pollStatus(tally, now),
    results: optionResults(kind, tally.options, ballots - abstained),
    total_votes: ballots,
    ballots,
    abstained,
    winners,
    tie: winners.length > tally.seats,
    ...(tabulation === undefined ? {} : { tabulation: showTabulation(tabulation) }),
    pending,
    revision: tally.revision,
    version: tally.version,
    last_updated: tally.lastUpdated.toISOString(),
    ...(tally.finalMs === undefined ? {} : { final_at: new Date(tally.finalMs).toISOString() }),
    ...(changed === undefined
      ? {}
      : {
          changed_after_final: {
            at: changed.at.toISOString(),
            counts: changed.counts.map((option) => optionTotal(kind, option))
          }
        })
  }
}
