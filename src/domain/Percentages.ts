/**
 * Returns counts as percentages with so many decimals that add up to exactly 100, all 0 where there are no votes. By the
 * largest-remainder method: all are rounded down, and those cut the most get the missing units of the last decimal. Apart from
 * `Tally.ts`, whose schemas the pages do without.
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
