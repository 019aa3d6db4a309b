import { RankingsBuilder } from "../../src/domain/tabulation/RankingsBuilder.ts"
import { tabulate } from "../../src/domain/tabulation/Tabulate.ts"
import type { Tabulation, TabulationRules } from "../../src/domain/tabulation/Tabulation.ts"

/** How many ballots say which choice. */
export type Ballots = ReadonlyArray<readonly [count: number, choice: string]>

export const tieSeed = Uint8Array.from({ length: 32 }, (_, index) => index)

/** Counts ballots of a poll with these options, for one seat and with our seed unless the rules say otherwise. */
export const count = (
  options: ReadonlyArray<string>,
  ballots: Ballots,
  rules: Pick<TabulationRules, "method"> & Partial<TabulationRules>
): Tabulation => {
  const builder = new RankingsBuilder(options)
  for (const [many, choice] of ballots) builder.add(choice, many)
  return tabulate({ seats: 1, tieBreak: "previous_rounds", tieSeed, ...rules }, builder.build())
}

/** Returns each round's votes by option. */
export const votesOf = ({ rounds }: Tabulation): ReadonlyArray<Readonly<Record<string, number>>> =>
  rounds.map(({ votes }) => Object.fromEntries(votes.map(({ option, votes }) => [option, votes])))
