/*
 * All rounding of results, for every surface. Apart from the schemas, which the pages do without.
 */

/**
 * Returns counts as percentages with so many decimals that add up to exactly 100, all 0 where there are no votes. By the
 * largest-remainder method: all are rounded down, and those cut the most get the missing units of the last decimal.
 */
export const percentages = (counts: ReadonlyArray<number>, decimals: number): ReadonlyArray<number> => {
  const total = counts.reduce((sum, count) => sum + BigInt(count), 0n)
  if (total === 0n) return counts.map(() => 0)
  const perUnit = 10 ** decimals
  const all = 100 * perUnit
  // In bigint: a count times `all` can be beyond what a double holds exactly.
  const scaled = counts.map((count) => BigInt(count) * BigInt(all))
  const units = scaled.map((share) => Number(share / total))
  let missing = all - units.reduce((sum, share) => sum + share, 0)
  const byRemainder = scaled
    .map((share, index) => ({ index, remainder: share % total }))
    .sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder < b.remainder ? 1 : -1))
  for (const { index } of byRemainder) {
    if (missing-- <= 0) break
    units[index] = (units[index] ?? 0) + 1
  }
  return units.map((share) => share / perUnit)
}

/** Returns a fraction of two whole numbers with so many decimals, halves rounded away from 0; 0 where it is of 0. */
const rounded = (numerator: bigint, denominator: bigint, decimals: number): number => {
  if (denominator === 0n) return 0
  const perUnit = 10 ** decimals
  const size = numerator < 0n ? -numerator : numerator
  const units = Number((2n * size * BigInt(perUnit) + denominator) / (2n * denominator))
  return units === 0 ? 0 : (numerator < 0n ? -units : units) / perUnit
}

/** Returns what part of a whole a count is, as a percentage with so many decimals. Those of several counts add up to anything. */
export const percentageOf = (count: number, whole: number, decimals: number): number =>
  rounded(100n * BigInt(count), BigInt(whole), decimals)

/** Returns the mean of so many numbers with this sum, with so many decimals. */
export const meanOf = (sum: number, count: number, decimals: number): number =>
  rounded(BigInt(sum), BigInt(count), decimals)
