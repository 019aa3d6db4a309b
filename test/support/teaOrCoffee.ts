import { single } from "../../src/domain/Rules.ts"

/** The definition of a poll for anyone, as often as they like, but for its slug. */
export const teaOrCoffee = {
  title: "Tea or coffee?",
  options: [
    { id: "tea", label: "Tea" },
    { id: "coffee", label: "Coffee" }
  ],
  ballot: "open",
  identity: "anyone",
  results: "live"
} as const

/** The poll that it makes, but for its slug. */
export const teaOrCoffeePoll = { ...teaOrCoffee, rules: single, abstain: false } as const
