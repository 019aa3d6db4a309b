import { Schema } from "effect"
import { methods, type Rules, tieBreaks } from "../Rules.ts"

/** What a tabulation goes by, besides the ballots: of a poll's rules what says how ballots are counted, and the poll's seed. */
export interface TabulationRules extends Pick<Extract<Rules, { kind: "ranked" }>, "method" | "seats" | "tieBreak"> {
  /** What the order of the draw is made of (`drawOrder`). */
  readonly tieSeed: Uint8Array
}

/**
 * Ranked ballots in columns, since there may be a million of them, all different. One ranking is `ranks` from `starts[i]` up to
 * `starts[i + 1]`, best first, as indexes of `options`; so many ballots say it as `counts[i]`. Made by `RankingsBuilder`.
 */
export interface Rankings {
  /** Ids, in the poll's order. */
  readonly options: ReadonlyArray<string>
  readonly starts: Uint32Array
  readonly ranks: Uint8Array
  readonly counts: Float64Array
}

/** Votes in a round: whole ones, except under `stv`, where they have at most four decimals. */
const Votes = Schema.Finite

const OptionVotes = Schema.Struct({ option: Schema.String, votes: Votes })
export type OptionVotes = typeof OptionVotes.Type

/** Votes that leave an option at the end of a round. What `to`, `exhausted` and `lost` say adds up to what leaves. */
export const Transfer = Schema.Struct({
  from: Schema.String,
  of: Schema.Literals(["elimination", "surplus"]),
  to: Schema.Array(OptionVotes).annotate({ description: "In the poll's order, those that get some" }),
  exhausted: Votes.annotate({ description: "Of ballots that rank nobody else who still takes part" }),
  lost: Votes.annotate({ description: "By rounding down to four decimals" })
}).annotate({ identifier: "Transfer" })
export type Transfer = typeof Transfer.Type

/** In each round, `votes`, `exhausted` and `lost` add up to the ballots. */
export const Round = Schema.Struct({
  round: Schema.Int.annotate({ description: "From 1 on" }),
  votes: Schema.Array(OptionVotes).annotate({
    description:
      "Of all that take part and those elected, in the poll's order; no ballot ranks an option that is missing from round 1"
  }),
  exhausted: Votes.annotate({ description: "Votes of ballots exhausted before this round" }),
  lost: Votes.annotate({ description: "Votes lost by rounding before this round" }),
  elected: Schema.Array(Schema.String).annotate({ description: "In this round, most votes first" }),
  eliminated: Schema.optionalKey(Schema.String.annotate({ description: "At the end of this round" })),
  transfer: Schema.optionalKey(Transfer)
}).annotate({ identifier: "Round" })
export type Round = typeof Round.Type

/** A tie that had to be broken, and how it was. */
export const Tie = Schema.Struct({
  round: Schema.optionalKey(Schema.Int),
  choice: Schema.Literals(["elimination", "surplus", "winner"]).annotate({
    description:
      "What was to be chosen: who is eliminated, whose surplus is transferred first, or who of all that lead is elected"
  }),
  options: Schema.Array(Schema.String).annotate({ description: "Those that are tied, in the poll's order" }),
  chosen: Schema.String,
  by: Schema.Literals(tieBreaks),
  decided_by_round: Schema.optionalKey(
    Schema.Int.annotate({ description: "The earlier round whose votes left one, where previous rounds decided" })
  ),
  drawn: Schema.optionalKey(
    Schema.Array(Schema.String).annotate({
      description:
        "Those that the draw was between, in its order, where it decided: the first is elected or goes first, the last is eliminated"
    })
  )
}).annotate({ identifier: "Tie" })
export type Tie = typeof Tie.Type

const Table = Schema.Array(Schema.Array(Schema.Int))

/** Each pair of options under `condorcet`; a row and a column for each option. */
export const Pairwise = Schema.Struct({
  options: Schema.Array(Schema.String).annotate({ description: "In the poll's order" }),
  votes: Table.annotate({ description: "Ballots that rank the row's option above the column's" }),
  paths: Table.annotate({ description: "Strength of the strongest path from the row's option to the column's" })
}).annotate({ identifier: "Pairwise" })
export type Pairwise = typeof Pairwise.Type

/** What a ranked poll's ballots come to, ready for JSON. */
export const Tabulation = Schema.Struct({
  method: Schema.Literals(methods),
  seats: Schema.Int,
  ballots: Schema.Int.annotate({ description: "Ballots that rank something; abstentions are not among them" }),
  quota: Schema.optionalKey(Schema.Int.annotate({ description: "Votes that elect, under stv" })),
  rounds: Schema.Array(Round).annotate({ description: "None under condorcet" }),
  elected: Schema.Array(Schema.String).annotate({
    description: "In the order of election; fewer than seats where no more are ranked"
  }),
  winners: Schema.Array(Schema.String).annotate({
    description: "Those elected; under condorcet all that lead, which may be more than the one elected by the draw"
  }),
  pairwise: Schema.optionalKey(Pairwise),
  ties: Schema.Array(Tie).annotate({ description: "In the order in which they came up" })
}).annotate({ identifier: "Tabulation" })
export type Tabulation = typeof Tabulation.Type
