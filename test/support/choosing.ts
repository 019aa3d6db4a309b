import type { Choosing } from "../../src/domain/Choice.ts"
import type { Rules } from "../../src/domain/Rules.ts"

/** What decides how votes are read in a poll with these options, none of whose names is in the order of the alphabet. */
export const choosing = (rules: Rules, abstain = false, ids = ["b", "a", "c", "7"]): Choosing => ({
  options: ids.map((id) => ({ id })),
  rules,
  abstain
})

/** Rules of each kind, each with its bounds where an option more or less makes a difference. */
export const someRules: ReadonlyArray<Rules> = [
  { kind: "single" },
  { kind: "multiple", min: 1, max: 3 },
  { kind: "multiple", min: 2, max: 2 },
  { kind: "score", min: 0, max: 5, every: false },
  { kind: "score", min: -100, max: 100, every: true },
  { kind: "points", budget: 10, spendAll: false },
  { kind: "points", budget: 10, spendAll: true },
  { kind: "ranked", max: 3, method: "irv", seats: 1, tieBreak: "previous_rounds" },
  { kind: "ranked", max: 4, method: "stv", seats: 2, tieBreak: "draw" }
]
