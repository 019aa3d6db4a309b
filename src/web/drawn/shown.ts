import type { Results } from "../../domain/Tally.ts"
import type { Tabulation } from "../../domain/tabulation/Tabulation.ts"

/** What is drawn of one option's results: what all kinds have, and what some have besides. */
export interface ShownOption {
  readonly option: string
  readonly count: number
  readonly percentage: number
  /** Of scores. */
  readonly sum?: number
  readonly points?: number
  /** Undefined where no ballot rates the option. */
  readonly mean?: number | null
  readonly histogram?: ReadonlyArray<{ readonly score: number; readonly count: number }>
}

/** What is drawn of a poll's results. */
export interface Shown extends Pick<Results, "status" | "total_votes" | "revision"> {
  readonly results: ReadonlyArray<ShownOption>
  readonly abstained?: number
  readonly winners?: ReadonlyArray<string>
  readonly tie?: boolean
  readonly tabulation?: ShownTabulation | null
}

/** A ranked poll's tabulation, with the revision that it is of. */
export type ShownTabulation = Omit<Tabulation, "ballots" | "winners"> & { readonly revision: number }
