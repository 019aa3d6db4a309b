import { assert, describe, it } from "@effect/vitest"
import { decodeChoice } from "../../../src/domain/Choice.ts"
import { bodyOf, type Part } from "../../../src/domain/ChoiceParts.ts"
import { type FlatRules, type Rules, rulesOf } from "../../../src/domain/Rules.ts"
import { explainErrors, explainRules, nameVote, tellDraft } from "../../../src/web/words/ballotWords.ts"
import { outcome, pairs } from "../../../src/web/words/resultWords.ts"

const options = ["apples", "pears", "plums"].map((id) => ({ id }))

const rulesFor = (flat: Omit<FlatRules, "options">): Rules => rulesOf({ ...flat, options })

const parts = (values: Readonly<Record<string, number>>): ReadonlyArray<Part> =>
  Object.entries(values).map(([option, value]) => ({ option, value }))

/** Returns what the page says is wrong with a ballot, by the service's own rules. */
const wrongWith = (rules: Rules, values: Readonly<Record<string, number>>): Readonly<Record<string, string>> => {
  const found = decodeChoice({ options, rules, abstain: false }, bodyOf({ rules }, parts(values)))
  assert.isArray(found)
  const { options: byOption, whole } = explainErrors(rules, typeof found === "string" ? [] : found)
  return { whole, ...Object.fromEntries(byOption) }
}

describe("a ballot's words", () => {
  it("say what it may say", () => {
    const says = (flat: Omit<FlatRules, "options">) => explainRules(rulesFor(flat), options.length)
    assert.strictEqual(says({ kind: "multiple", max: 2 }), "Choose 1 to 2.")
    assert.strictEqual(says({ kind: "multiple", min: 2, max: 2 }), "Choose 2.")
    assert.strictEqual(says({ kind: "multiple" }), "Choose as many as you like.")
    assert.strictEqual(says({ kind: "points", budget: 10, spend_all: true }), "Give out all 10 points.")
    assert.strictEqual(says({ kind: "points", budget: 1 }), "Give out up to 1 point.")
    assert.strictEqual(says({ kind: "ranked", max: 2 }), "Rank up to 2, the best first.")
  })

  it("say how far it is filled in", () => {
    const tells = (flat: Omit<FlatRules, "options">, values: Readonly<Record<string, number>>) =>
      tellDraft(rulesFor(flat), options.length, parts(values))
    const two = { kind: "multiple", min: 2, max: 2 } as const
    assert.strictEqual(tells(two, {}), "0 chosen, 2 more needed.")
    assert.strictEqual(tells(two, { apples: 1, pears: 1 }), "2 chosen.")
    assert.strictEqual(tells(two, { apples: 1, pears: 1, plums: 1 }), "3 chosen, 1 too many.")
    assert.strictEqual(tells({ kind: "points", budget: 10 }, { apples: 3 }), "7 points left of 10.")
    assert.strictEqual(tells({ kind: "points", budget: 10 }, { apples: 11 }), "1 point too many.")
    assert.strictEqual(tells({ kind: "score" }, { apples: 0 }), "1 of 3 have a score.")
    assert.strictEqual(tells({ kind: "ranked", max: 2 }, { apples: 1 }), "1 ranked, 1 more possible.")
  })

  it("say what is wrong, beside the option where it is one's", () => {
    assert.deepStrictEqual(wrongWith(rulesFor({ kind: "multiple", max: 1 }), { apples: 1, pears: 1 }), {
      whole: "Please choose 1."
    })
    assert.deepStrictEqual(wrongWith(rulesFor({ kind: "score", every: true }), { apples: 1 }), {
      whole: "Please give each option a score.",
      pears: "Needs a whole number from 0 to 5.",
      plums: "Needs a whole number from 0 to 5."
    })
    assert.deepStrictEqual(wrongWith(rulesFor({ kind: "score" }), { apples: 1.5 }), {
      whole: "",
      apples: "Needs a whole number from 0 to 5."
    })
    assert.deepStrictEqual(wrongWith(rulesFor({ kind: "points", budget: 10, spend_all: true }), { apples: 3 }), {
      whole: "Please give out exactly 10 points."
    })
    assert.deepStrictEqual(wrongWith(rulesFor({ kind: "points", budget: 10 }), { apples: -1 }), {
      whole: "",
      apples: "Needs a whole number from 0 to 10."
    })
    assert.include(wrongWith(rulesFor({ kind: "ranked" }), {}).whole, "Please rank 1 to 3")
  })

  it("say that an abstention names nothing else", () => {
    const rules = rulesFor({ kind: "multiple" })
    const found = decodeChoice({ options, rules, abstain: true }, { abstain: true, options: ["apples"] })
    const { whole } = explainErrors(rules, typeof found === "string" ? [] : found)
    assert.strictEqual(whole, "An abstention names no option: please clear the others.")
  })

  it("name a vote as it was filled in", () => {
    const names = (flat: Omit<FlatRules, "options">, values: Readonly<Record<string, number>>) =>
      nameVote(rulesFor(flat), parts(values), (id) => id.toUpperCase())
    assert.strictEqual(names({ kind: "single" }, { pears: 1 }), "vote for PEARS")
    assert.strictEqual(names({ kind: "multiple" }, { apples: 1, plums: 1 }), "vote for APPLES + PLUMS")
    assert.strictEqual(names({ kind: "score" }, { apples: 5, plums: 0 }), "vote (APPLES: 5, PLUMS: 0)")
    assert.strictEqual(names({ kind: "ranked" }, { plums: 1, apples: 2 }), "vote (1. PLUMS, 2. APPLES)")
    assert.strictEqual(names({ kind: "points", budget: 9 }, {}), "abstention")
  })

  it("keep a rank or a number beside the option that it is of, also where that is written from right to left", () => {
    const labels = new Map(Object.entries({ coffee: "קפה", tea: "شاي", milk: "Milk" }))
    const name = (kind: "points" | "ranked", budget?: number) => {
      const rules = rulesOf({ kind, budget, options: [...labels.keys()].map((id) => ({ id })) })
      return nameVote(rules, parts({ coffee: 1, tea: 2, milk: 3 }), (id) => labels.get(id) ?? id)
    }
    assert.strictEqual(name("ranked"), "vote (1. \u2068קפה\u2069, 2. \u2068شاي\u2069, 3. Milk)")
    assert.strictEqual(name("points", 6), "vote (\u2068קפה\u2069: 1, \u2068شاي\u2069: 2, Milk: 3)")
    assert.strictEqual(pairs.beats("קפה", "12", "Milk", "7"), "\u2068קפה\u2069 12, Milk 7")
    assert.strictEqual(outcome.wins(["קפה?", "Milk"]), "Winner: \u2068קפה?\u2069 and Milk.")
  })
})
