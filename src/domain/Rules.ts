/*
 * What one vote may say, by the poll's kind. Plain types and functions: the pages use them too, without any schemas.
 */

export const kinds = ["single", "multiple", "score", "points", "ranked"] as const
export type Kind = (typeof kinds)[number]

/** How a ranked poll's winners are found. */
export const methods = ["irv", "stv", "condorcet"] as const
export type Method = (typeof methods)[number]

/** How a ranked poll's ties are broken: by looking back at the rounds before, and by a draw where that decides nothing; or by a draw at once. */
export const tieBreaks = ["previous_rounds", "draw"] as const
export type TieBreak = (typeof tieBreaks)[number]

/** A poll's kind, with what that leaves open. */
export type Rules =
  | { readonly kind: "single" }
  /** From `min` to `max` options are chosen. */
  | { readonly kind: "multiple"; readonly min: number; readonly max: number }
  /** Options get whole numbers from `min` to `max`; with `every`, all options get one. */
  | { readonly kind: "score"; readonly min: number; readonly max: number; readonly every: boolean }
  /** Up to `budget` points are given to options; with `spendAll`, exactly so many. */
  | { readonly kind: "points"; readonly budget: number; readonly spendAll: boolean }
  /** Up to `max` options are ranked; `seats` of them win. */
  | {
      readonly kind: "ranked"
      readonly max: number
      readonly method: Method
      readonly seats: number
      readonly tieBreak: TieBreak
    }

export const single: Rules = { kind: "single" }

/** Scores are within so much of 0. */
export const farthestScore = 100
/** No budget has more points. */
export const mostPoints = 1_000_000
/** No ranking has more ranks. */
export const mostRanks = 12
/** No choice is longer, in bytes. */
export const maxChoiceLength = 1_024

/** A poll's rules as JSON has them: flat fields, most of them for some kinds only. */
export interface FlatRules {
  readonly kind?: Kind | undefined
  readonly min?: number | undefined
  readonly max?: number | undefined
  readonly every?: boolean | undefined
  readonly budget?: number | undefined
  readonly spend_all?: boolean | undefined
  readonly method?: Method | undefined
  readonly seats?: number | undefined
  readonly tie_break?: TieBreak | undefined
  readonly options: ReadonlyArray<{ readonly id: string }>
}

/** Returns the rules that a definition makes; what it leaves out is as usual. */
export const rulesOf = ({ kind = "single", options, ...given }: FlatRules): Rules => {
  switch (kind) {
    case "single":
      return single
    case "multiple":
      return { kind, min: given.min ?? 1, max: given.max ?? options.length }
    case "score":
      return { kind, min: given.min ?? 0, max: given.max ?? 5, every: given.every ?? false }
    case "points":
      return { kind, budget: given.budget ?? 0, spendAll: given.spend_all ?? false }
    case "ranked": {
      const { method = "irv", seats = 1, tie_break: tieBreak = "previous_rounds" } = given
      return { kind, max: given.max ?? Math.min(mostRanks, options.length), method, seats, tieBreak }
    }
  }
}

/** Returns the length of texts with a character between each two. */
const joined = (lengths: ReadonlyArray<number>): number =>
  lengths.reduce((sum, length) => sum + length, 0) + Math.max(0, lengths.length - 1)

/** Returns how many digits the points of `options` options have at most together. */
const digitsOf = (budget: number, options: number): number => {
  let digits = options
  let left = budget - options
  // One digit more costs 9 points, the next one 90.
  for (let cost = 9; left >= cost; cost *= 10) {
    const more = Math.min(options, Math.floor(left / cost))
    digits += more
    left -= more * cost
    if (more < options) break
  }
  return digits
}

/** Returns how long a choice can be at most, in bytes, in a poll with these options. */
export const longestChoice = (options: ReadonlyArray<{ readonly id: string }>, rules: Rules): number => {
  const lengths = options.map(({ id }) => id.length).sort((a, b) => b - a)
  switch (rules.kind) {
    case "single":
      return lengths[0] ?? 0
    case "multiple":
    case "ranked":
      return joined(lengths.slice(0, rules.max))
    case "score": {
      const digits = Math.max(String(rules.min).length, String(rules.max).length)
      return joined(lengths.map((length) => length + 1 + digits))
    }
    case "points": {
      const named = lengths.slice(0, rules.budget)
      return joined(named) + named.length + digitsOf(rules.budget, named.length)
    }
  }
}
