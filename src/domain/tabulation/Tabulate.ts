import { condorcet } from "./Condorcet.ts"
import { irv } from "./Irv.ts"
import { stv } from "./Stv.ts"
import type { Rankings, Tabulation, TabulationRules } from "./Tabulation.ts"
import { TieBreaker } from "./Ties.ts"

/** Counts ranked ballots by the poll's method. The same ballots in any order give the same. */
export const tabulate = (rules: TabulationRules, rankings: Rankings): Tabulation => {
  const { method } = rules
  const ties = new TieBreaker(rules, rankings.options)
  const ballots = rankings.counts.reduce((sum, count) => sum + count, 0)
  if (method === "condorcet") {
    const { leaders, pairwise } = condorcet(rankings)
    const idsOf = (indexes: ReadonlyArray<number>) => indexes.map((index) => rankings.options[index] ?? "")
    const elected = leaders.length === 0 ? [] : idsOf([ties.choose("winner", leaders, [])])
    return { method, seats: 1, ballots, rounds: [], elected, winners: idsOf(leaders), pairwise, ties: ties.ties }
  }
  if (method === "stv") {
    const { elected, quota, rounds } = stv(rankings, rules.seats, ties)
    return { method, seats: rules.seats, ballots, quota, rounds, elected, winners: elected, ties: ties.ties }
  }
  const { elected, rounds } = irv(rankings, ties)
  return { method, seats: 1, ballots, rounds, elected, winners: elected, ties: ties.ties }
}
