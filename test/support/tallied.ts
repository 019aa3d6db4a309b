import type { OptionTally } from "../../src/domain/OptionResult.ts"

/** What a tally of a poll of kind `single` says, besides which poll and when, where options have these counts. */
export const tallied = (options: ReadonlyArray<OptionTally>) => ({
  kind: "single" as const,
  version: 1,
  seats: 1,
  options,
  ballots: options.reduce((sum, { count }) => sum + count, 0),
  abstained: 0
})

/** What the results of a poll of kind `single` say besides, where nobody has voted. */
export const noBallots = { kind: "single", version: 1, ballots: 0, abstained: 0, winners: [], tie: false } as const
