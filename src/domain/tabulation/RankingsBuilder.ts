import { abstention } from "../Choice.ts"
import type { Rankings } from "./Tabulation.ts"

/** Collects rankings one by one in columns that grow, so that a million of them never exist as objects. */
export class RankingsBuilder {
  readonly #options: ReadonlyArray<string>
  readonly #indexes: ReadonlyMap<string, number>
  #size = 0
  #length = 0
  #starts = new Uint32Array(1_025)
  #counts = new Float64Array(1_024)
  #ranks = new Uint8Array(4_096)

  /** Takes the ids of at most 255 options, in the poll's order. */
  constructor(options: ReadonlyArray<string>) {
    this.#options = options
    this.#indexes = new Map(options.map((id, index) => [id, index]))
  }

  /**
   * Adds a choice of a ranked poll (`b>a`) that so many ballots say. The same choice may come again; an abstention (`-`) is left
   * out. Throws where it names what is no option of the poll, since no such vote is ever counted.
   */
  add(choice: string, count: number): void {
    if (choice === abstention || count === 0) return
    if (this.#size === this.#counts.length) {
      this.#counts = grown(this.#counts, new Float64Array(2 * this.#size))
      this.#starts = grown(this.#starts, new Uint32Array(2 * this.#size + 1))
    }
    let length = this.#length
    for (const id of choice.split(">")) {
      const option = this.#indexes.get(id)
      if (option === undefined) throw new Error(`the choice ${choice} names what is no option of the poll`)
      if (length === this.#ranks.length) this.#ranks = grown(this.#ranks, new Uint8Array(2 * length))
      this.#ranks[length++] = option
    }
    this.#counts[this.#size++] = count
    this.#length = length
    this.#starts[this.#size] = length
  }

  /** Returns what was added. The columns are not copied, so nothing may be added afterwards. */
  build(): Rankings {
    return {
      options: this.#options,
      starts: this.#starts.subarray(0, this.#size + 1),
      ranks: this.#ranks.subarray(0, this.#length),
      counts: this.#counts.subarray(0, this.#size)
    }
  }
}

/** Returns the larger of two columns, with the values of the smaller one at its beginning. */
const grown = <Column extends Uint8Array | Uint32Array | Float64Array>(from: Column, to: Column): Column => {
  to.set(from)
  return to
}
