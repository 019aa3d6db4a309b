import type { Pairwise, Rankings } from "./Tabulation.ts"

/**
 * Condorcet's idea by Schulze's method. The rules in words:
 *
 * 1. Each two options are compared: how many ballots rank the one above the other? A ranked option is above each one that the
 *    ballot leaves out; of two that it leaves out it says nothing.
 * 2. An option beats another one where more ballots rank it above than below. The win is as strong as those ballots are many.
 * 3. A path leads from an option over wins to another one, and is as strong as its weakest win.
 * 4. An option leads if, against each other one, its strongest path there is at least as strong as the strongest path back. One
 *    that beats each other one leads alone.
 * 5. Where several lead, the result is a tie, told as such, and the draw elects one of them (`Ties.ts`).
 */
export const condorcet = (rankings: Rankings): { pairwise: Pairwise; leaders: ReadonlyArray<number> } => {
  const votes = compare(rankings)
  const paths = strongestPaths(votes)
  const indexes = [...rankings.options.keys()]
  const leads = (option: number) =>
    indexes.every((other) => (paths[option]?.[other] ?? 0) >= (paths[other]?.[option] ?? 0))
  return {
    pairwise: { options: rankings.options, votes, paths },
    leaders: rankings.counts.length === 0 ? [] : indexes.filter(leads)
  }
}

type Table = ReadonlyArray<ReadonlyArray<number>>

const tableOf = (size: number, cell: (row: number, column: number) => number): Table =>
  Array.from({ length: size }, (_, row) => Array.from({ length: size }, (_, column) => cell(row, column)))

/** Returns how many ballots rank the row's option above the column's. */
const compare = ({ counts, options, ranks, starts }: Rankings): Table => {
  const size = options.length
  /** How many ballots rank both, the row's above the column's, and how many rank an option. */
  const above = new Float64Array(size * size)
  const ranked = new Float64Array(size)
  for (let ranking = 0; ranking < counts.length; ranking++) {
    const count = counts[ranking] ?? 0
    const end = starts[ranking + 1] ?? 0
    for (let place = starts[ranking] ?? 0; place < end; place++) {
      const option = ranks[place] ?? 0
      ranked[option] = (ranked[option] ?? 0) + count
      for (let lower = place + 1; lower < end; lower++) {
        const cell = option * size + (ranks[lower] ?? 0)
        above[cell] = (above[cell] ?? 0) + count
      }
    }
  }
  // Whoever ranks an option ranks it above another one, unless that one is ranked higher.
  return tableOf(size, (row, column) => (row === column ? 0 : (ranked[row] ?? 0) - (above[column * size + row] ?? 0)))
}

/** Returns the strength of the strongest path from the row's option to the column's, 0 where there is none. */
const strongestPaths = (votes: Table): Table => {
  const size = votes.length
  const cell = (row: number, column: number) => votes[row]?.[column] ?? 0
  const paths = votes.map((row, from) => row.map((count, to) => (count > cell(to, from) ? count : 0)))
  for (let over = 0; over < size; over++) {
    for (const [from, row] of paths.entries()) {
      for (let to = 0; to < size; to++) {
        if (from === to) continue
        row[to] = Math.max(row[to] ?? 0, Math.min(row[over] ?? 0, paths[over]?.[to] ?? 0))
      }
    }
  }
  return paths
}
