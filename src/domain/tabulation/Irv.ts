import { Piles } from "./Piles.ts"
import type { Rankings, Round } from "./Tabulation.ts"
import { leading, type TieBreaker } from "./Ties.ts"

/**
 * Instant run-off. The rules in words:
 *
 * 1. Each ballot is one vote for the first option of its ranking.
 * 2. An option with more than half of the votes of the round is elected. Exhausted ballots are no votes of the round.
 * 3. Otherwise the option with the fewest votes is eliminated, one in a round; a tie is broken (`Ties.ts`). Each of its ballots
 *    becomes a vote for the next option of its ranking that still takes part. Where there is none, it is exhausted.
 *
 * What no ballot ranks takes no part.
 */
export const irv = (rankings: Rankings, ties: TieBreaker): { rounds: ReadonlyArray<Round>; elected: string[] } => {
  const piles = new Piles(rankings, 1)
  const history: Array<Float64Array> = []
  const rounds: Array<Round> = []
  while (piles.continuing().length > 0) {
    const votesOf = (option: number) => piles.votes[option] ?? 0
    const continuing = piles.continuing()
    const shown = { round: rounds.length + 1, ...piles.show() }
    const votes = continuing.reduce((sum, option) => sum + votesOf(option), 0)
    const winner = continuing.find((option) => 2 * votesOf(option) > votes)
    if (winner !== undefined) {
      const elected = [rankings.options[winner] ?? ""]
      return { rounds: [...rounds, { ...shown, elected }], elected }
    }
    history.push(piles.votes.slice())
    const lowest = leading(continuing, (option) => -votesOf(option))
    const transfer = piles.eliminate(ties.choose("elimination", lowest, history))
    rounds.push({ ...shown, elected: [], eliminated: transfer.from, transfer })
  }
  return { rounds, elected: [] }
}
