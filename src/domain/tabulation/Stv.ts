import { Piles } from "./Piles.ts"
import type { Rankings, Round, Transfer } from "./Tabulation.ts"
import { leading, type TieBreaker } from "./Ties.ts"

/** A ballot is worth so many units, since votes are counted to four decimals. */
const unit = 10_000

/**
 * The single transferable vote, by the weighted inclusive Gregory method. The rules in words:
 *
 * 1. The quota is the ballots divided by one more than the seats, rounded down to a whole number, and 1 (Droop). It stays the same.
 * 2. Each ballot is one vote for the first option of its ranking.
 * 3. Options with a quota or more are elected. Where as many options take part as there are seats left, or fewer, all of them are
 *    elected, whatever their votes. Once the seats are filled, counting ends.
 * 4. Otherwise, where an elected option has more than the quota, its surplus is transferred: the largest first, one in a round.
 *    All of its ballots go to the next option of their rankings that takes part, and each is worth what it was worth before, times
 *    the surplus, divided by the option's votes, rounded down to four decimals. What rounding cuts off is lost, and told. A ballot
 *    without a next option is exhausted with what it would have been worth. The elected option keeps the quota.
 * 5. Otherwise the option with the fewest votes is eliminated, one in a round. Its ballots go to the next option of their rankings
 *    that takes part, worth what they were. Where there is none, they are exhausted.
 *
 * An elected option gets no more votes. Ties of surpluses and for an elimination are broken (`Ties.ts`). What no ballot ranks takes
 * no part: a seat stays empty rather than go to it.
 */
export const stv = (
  rankings: Rankings,
  seats: number,
  ties: TieBreaker
): { quota: number; rounds: ReadonlyArray<Round>; elected: ReadonlyArray<string> } => {
  const ballots = rankings.counts.reduce((sum, count) => sum + count, 0)
  const quota = Math.floor(ballots / (seats + 1)) + 1
  const piles = new Piles(rankings, unit)
  const votesOf = (option: number) => piles.votes[option] ?? 0
  const surplusOf = (option: number) => votesOf(option) - quota * unit
  const history: Array<Float64Array> = []
  const rounds: Array<Round> = []
  const elected: Array<number> = []
  const elect = (options: ReadonlyArray<number>): ReadonlyArray<string> => {
    // A stable sort keeps equals in the poll's order.
    const now = [...options].sort((a, b) => votesOf(b) - votesOf(a))
    for (const option of now) piles.elect(option)
    elected.push(...now)
    return now.map((option) => rankings.options[option] ?? "")
  }
  /** Makes the one transfer that ends a round. */
  const transferNext = (): Transfer => {
    const surpluses = elected.filter((option) => surplusOf(option) > 0).sort((a, b) => a - b)
    if (surpluses.length > 0) {
      const next = ties.choose("surplus", leading(surpluses, surplusOf), history)
      return piles.transferSurplus(next, surplusOf(next))
    }
    const lowest = leading(piles.continuing(), (option) => -votesOf(option))
    return piles.eliminate(ties.choose("elimination", lowest, history))
  }
  while (piles.continuing().length > 0 && elected.length < seats) {
    const shown = { round: rounds.length + 1, ...piles.show() }
    history.push(piles.votes.slice())
    const withQuota = elect(piles.continuing().filter((option) => surplusOf(option) >= 0))
    const left = piles.continuing()
    const withoutQuota = left.length <= seats - elected.length ? elect(left) : []
    const round = { ...shown, elected: [...withQuota, ...withoutQuota] }
    if (elected.length >= seats || piles.continuing().length === 0) {
      rounds.push(round)
    } else {
      const transfer = transferNext()
      rounds.push({ ...round, ...(transfer.of === "elimination" ? { eliminated: transfer.from } : {}), transfer })
    }
  }
  return { quota, rounds, elected: elected.map((option) => rankings.options[option] ?? "") }
}
