import type { OptionVotes, Rankings, Round, Transfer } from "./Tabulation.ts"

/** Holds a ballot that ranks nobody else who still takes part. */
const nobody = 255

/**
 * Each option's pile of ballots, as they move from round to round, and its votes. Votes are whole numbers of a unit, of which a
 * ballot has `unit` at first: so sums are exact. A sum stays below 2^53 with 900 thousand million ballots of 10,000 units.
 *
 * What no ballot ranks takes no part: else the draw could give it a seat.
 */
export class Piles {
  /** In units. */
  readonly votes: Float64Array
  readonly #rankings: Rankings
  readonly #unit: number
  /** Those that can be given votes: neither elected nor eliminated. */
  readonly #continuing = new Set<number>()
  readonly #elected = new Set<number>()
  /** For each ranking: who has its ballots, and what one of them is worth. */
  readonly #holders: Uint8Array
  readonly #values: Uint16Array
  #exhausted = 0
  #lost = 0

  constructor(rankings: Rankings, unit: number) {
    const { counts, options, ranks, starts } = rankings
    this.#rankings = rankings
    this.#unit = unit
    this.votes = new Float64Array(options.length)
    this.#holders = new Uint8Array(counts.length)
    this.#values = new Uint16Array(counts.length).fill(unit)
    // No Set, which takes a third of the whole time to fill with twelve million ranks.
    const ranked = new Uint8Array(options.length)
    for (let rank = 0; rank < ranks.length; rank++) ranked[ranks[rank] ?? 0] = 1
    for (const option of options.keys()) if (ranked[option] === 1) this.#continuing.add(option)
    for (let ranking = 0; ranking < counts.length; ranking++) {
      const first = ranks[starts[ranking] ?? 0] ?? nobody
      this.#holders[ranking] = first
      this.votes[first] = (this.votes[first] ?? 0) + unit * (counts[ranking] ?? 0)
    }
  }

  /** Returns the indexes of the options that are neither elected nor eliminated, in the poll's order. */
  continuing(): ReadonlyArray<number> {
    return [...this.#continuing]
  }

  /** Elects an option: it keeps its votes, and gets no others. */
  elect(option: number): void {
    this.#continuing.delete(option)
    this.#elected.add(option)
  }

  /** Eliminates an option: all of its votes go to the next options of its ballots. */
  eliminate(option: number): Transfer {
    this.#continuing.delete(option)
    return this.#transfer("elimination", option, this.votes[option] ?? 0, (value) => value)
  }

  /** Transfers so many votes of an elected option: all of its ballots go on, worth that share of what they were, rounded down. */
  transferSurplus(option: number, surplus: number): Transfer {
    const [share, whole] = [BigInt(surplus), BigInt(this.votes[option] ?? 0)]
    // Made once for each value there may be; a product may be beyond what a double holds exactly.
    const values = Uint16Array.from({ length: this.#unit + 1 }, (_, value) => Number((BigInt(value) * share) / whole))
    return this.#transfer("surplus", option, surplus, (value) => values[value] ?? 0)
  }

  /** Returns a round as it begins, in votes. */
  show(): Pick<Round, "votes" | "exhausted" | "lost"> {
    return {
      votes: this.#shown(this.votes, (option) => this.#continuing.has(option) || this.#elected.has(option)),
      exhausted: this.#exhausted / this.#unit,
      lost: this.#lost / this.#unit
    }
  }

  #transfer(of: Transfer["of"], from: number, amount: number, worth: (value: number) => number): Transfer {
    const { counts, options, ranks, starts } = this.#rankings
    const holders = this.#holders
    const given = new Float64Array(options.length)
    const takes = Uint8Array.from(options, (_, option) => (this.#continuing.has(option) ? 1 : 0))
    let exhausted = 0
    let lost = amount
    for (let ranking = 0; ranking < holders.length; ranking++) {
      if (holders[ranking] !== from) continue
      const end = starts[ranking + 1] ?? 0
      let place = starts[ranking] ?? 0
      while (place < end && takes[ranks[place] ?? 0] === 0) place++
      const value = worth(this.#values[ranking] ?? 0)
      const votes = value * (counts[ranking] ?? 0)
      const to = place < end ? (ranks[place] ?? nobody) : nobody
      holders[ranking] = to
      this.#values[ranking] = value
      if (to === nobody) exhausted += votes
      else given[to] = (given[to] ?? 0) + votes
      lost -= votes
    }
    for (const [option, votes] of given.entries()) this.votes[option] = (this.votes[option] ?? 0) + votes
    this.votes[from] = (this.votes[from] ?? 0) - amount
    this.#exhausted += exhausted
    this.#lost += lost
    return {
      from: options[from] ?? "",
      of,
      to: this.#shown(given, (option) => (given[option] ?? 0) > 0),
      exhausted: exhausted / this.#unit,
      lost: lost / this.#unit
    }
  }

  #shown(votes: Float64Array, isShown: (option: number) => boolean): ReadonlyArray<OptionVotes> {
    return this.#rankings.options.flatMap((option, index) =>
      isShown(index) ? [{ option, votes: (votes[index] ?? 0) / this.#unit }] : []
    )
  }
}
