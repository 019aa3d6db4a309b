import { concat, toHex, utf8 } from "../log/Bytes.ts"
import { sha256 } from "../log/Sha256.ts"
import type { TabulationRules, Tie } from "./Tabulation.ts"

/*
 * How ties are broken, in words.
 *
 * - `previous_rounds` goes back round by round, from the one before. At each it keeps those of the tied options that had the fewest
 *   votes (for an elimination) or the most (for a surplus), until one is left. Where several are left at the first round, the draw
 *   decides between these.
 * - `draw` draws between all that are tied, at once. So does `condorcet`, which has no rounds.
 * - The draw: each option has the SHA-256 of the seed's bytes followed by the bytes of its id in UTF-8. The options are drawn in
 *   the order of these hashes, in hexadecimal, the smallest first. The one drawn first is ahead: it is elected, or its surplus is
 *   transferred first. The one drawn last is eliminated.
 */

/** Returns options in the order in which the seed draws them, the first one ahead of all others. */
export const drawOrder = (seed: Uint8Array, options: ReadonlyArray<string>): ReadonlyArray<string> => {
  // Our own, which browsers have as well: they count rankings again.
  const hashOf = (id: string) => toHex(sha256(concat(seed, utf8(id))))
  const hashed = options.map((id) => ({ id, hash: hashOf(id) }))
  return hashed.sort((a, b) => (a.hash < b.hash ? -1 : 1)).map(({ id }) => id)
}

/** Breaks ties, and remembers each. */
export class TieBreaker {
  readonly ties: Array<Tie> = []
  readonly #rules: TabulationRules
  readonly #options: ReadonlyArray<string>

  constructor(rules: TabulationRules, options: ReadonlyArray<string>) {
    this.#rules = rules
    this.#options = options
  }

  /**
   * Returns which of the tied options is chosen; all are indexes. `history` has each option's votes in the rounds up to this one,
   * and is empty where there are no rounds.
   */
  choose(choice: Tie["choice"], tied: ReadonlyArray<number>, history: ReadonlyArray<Float64Array>): number {
    const [only] = tied
    if (only !== undefined && tied.length === 1) return only
    const known = {
      ...(history.length > 0 ? { round: history.length } : {}),
      choice,
      options: tied.map((option) => this.#idOf(option))
    }
    const sign = choice === "elimination" ? -1 : 1
    let left = tied
    for (let round = history.length - 1; round > 0 && this.#rules.tieBreak === "previous_rounds"; round--) {
      left = leading(left, (option) => sign * (history[round - 1]?.[option] ?? 0))
      const [one] = left
      if (one !== undefined && left.length === 1) {
        this.ties.push({ ...known, chosen: this.#idOf(one), by: "previous_rounds", decided_by_round: round })
        return one
      }
    }
    const drawn = drawOrder(
      this.#rules.tieSeed,
      left.map((option) => this.#idOf(option))
    )
    const chosen = drawn[choice === "elimination" ? drawn.length - 1 : 0] ?? ""
    this.ties.push({ ...known, chosen, by: "draw", drawn })
    return this.#options.indexOf(chosen)
  }

  #idOf(option: number): string {
    return this.#options[option] ?? ""
  }
}

/** Returns those of some options that have the most of something, in the same order. */
export const leading = (options: ReadonlyArray<number>, of: (option: number) => number): ReadonlyArray<number> => {
  const most = Math.max(...options.map(of))
  return options.filter((option) => of(option) === most)
}
