import { Schema } from "effect"
import { meanOf, percentageOf, percentages } from "./Percentages.ts"
import type { Kind } from "./Rules.ts"

/** How many ballots give an option a score. */
const ScoreCount = Schema.Struct({ score: Schema.Int, count: Schema.Int }).annotate({ identifier: "ScoreCount" })
export type ScoreCount = typeof ScoreCount.Type

/** What an option's ballots add up to, by the poll's kind. */
export interface OptionTally {
  readonly option: string
  /** Ballots that name it (single, multiple), rate it (score), give it points (points) or put it first (ranked). */
  readonly count: number
  /** Its scores or points, all together. */
  readonly sum?: number
  /** How many ballots give it each score, the lowest first; scores that none gives may be left out. */
  readonly scores?: ReadonlyArray<ScoreCount>
}

/** What an option's ballots add up to. */
const total = {
  option: Schema.String,
  count: Schema.Int.annotate({
    description:
      "Ballots that name the option (single, multiple), rate it (score), give it points (points) or put it first (ranked)"
  }),
  sum: Schema.optionalKey(Schema.Int.annotate({ description: "score: all its scores together" })),
  points: Schema.optionalKey(Schema.Int.annotate({ description: "points: all that ballots give it" }))
}

export const OptionTotal = Schema.Struct(total).annotate({ identifier: "OptionTotal" })

/** An option in a poll's results. */
export const OptionResult = Schema.Struct({
  ...total,
  percentage: Schema.Finite.annotate({
    description:
      "Two decimals. single, ranked: of the ballots that say something; points: of all points given; these add up to 100.00. multiple, score: of the ballots that say something, and all may add up to more"
  }),
  mean: Schema.optionalKey(
    Schema.Finite.annotate({ description: "score: of its scores, two decimals; not there while no ballot rates it" })
  ),
  histogram: Schema.optionalKey(
    Schema.Array(ScoreCount).annotate({ description: "score: the scores that ballots give it, the lowest first" })
  ),
  first: Schema.optionalKey(Schema.Int.annotate({ description: "ranked: ballots that put it first, as `count`" }))
}).annotate({ identifier: "OptionResult" })
export type OptionResult = typeof OptionResult.Type

/** Returns what an option's ballots add up to, as a kind's results say it. */
export const optionTotal = (kind: Kind, { count, option, sum = 0 }: OptionTally): typeof OptionTotal.Type => ({
  option,
  count,
  ...(kind === "score" ? { sum } : kind === "points" ? { points: sum } : {})
})

/** Returns what a kind's results say of an option besides what it adds up to, and its share. */
const detailsOf = (kind: Kind, { count, scores = [], sum = 0 }: OptionTally) => {
  switch (kind) {
    case "score":
      return { ...(count === 0 ? {} : { mean: meanOf(sum, count, 2) }), histogram: scores }
    case "ranked":
      return { first: count }
    default:
      return {}
  }
}

/** Returns each option's share: of what, depends on the kind. `said` is the number of ballots that say something. */
const sharesOf = (kind: Kind, options: ReadonlyArray<OptionTally>, said: number): ReadonlyArray<number> => {
  switch (kind) {
    case "multiple":
    case "score":
      return options.map(({ count }) => percentageOf(count, said, 2))
    case "points":
      return percentages(
        options.map(({ sum = 0 }) => sum),
        2
      )
    default:
      return percentages(
        options.map(({ count }) => count),
        2
      )
  }
}

/** Returns the sign of a difference. */
const sign = (difference: bigint): number => (difference > 0n ? 1 : difference < 0n ? -1 : 0)

/** Compares two options as the results list them, the better one first: by votes, points, or the exact mean of scores. */
const compare =
  (kind: Kind) =>
  (a: OptionTally, b: OptionTally): number => {
    if (kind === "points") return (b.sum ?? 0) - (a.sum ?? 0)
    if (kind !== "score") return b.count - a.count
    if (a.count === 0 || b.count === 0) return Math.sign(b.count - a.count)
    return sign(BigInt(b.sum ?? 0) * BigInt(a.count) - BigInt(a.sum ?? 0) * BigInt(b.count))
  }

/** Returns the options' results, the best first, ties in the poll's order. */
export const optionResults = (
  kind: Kind,
  options: ReadonlyArray<OptionTally>,
  said: number
): ReadonlyArray<OptionResult> => {
  const shares = sharesOf(kind, options, said)
  return (
    options
      .map((tally, index) => ({ tally, percentage: shares[index] ?? 0 }))
      // A stable sort keeps ties in the poll's order.
      .sort((a, b) => compare(kind)(a.tally, b.tally))
      .map(({ percentage, tally }) => ({ ...optionTotal(kind, tally), percentage, ...detailsOf(kind, tally) }))
  )
}

/** Returns the ids of the options that lead together, in the poll's order; none where no ballot names one. */
export const leaders = (kind: Kind, options: ReadonlyArray<OptionTally>): ReadonlyArray<string> => {
  const [best] = [...options].sort(compare(kind))
  if (best === undefined || best.count === 0) return []
  return options.filter((tally) => compare(kind)(best, tally) === 0).map(({ option }) => option)
}
