import { assert, it } from "@effect/vitest"
import { shares } from "../../src/web/words/formats.ts"
import { totalOf } from "../../src/web/words.ts"

it("the shares that the pages show add up to 100.0%", () => {
  assert.deepStrictEqual(shares([2, 2, 3]), ["28.6%", "28.6%", "42.8%"])
  assert.deepStrictEqual(shares([0, 0]), ["0.0%", "0.0%"])
  assert.deepStrictEqual(shares([]), [])
})

it("the pages say how many votes the results are of, and how many of these say nothing", () => {
  assert.strictEqual(totalOf({ total_votes: 1 }), "1 vote counted")
  assert.strictEqual(totalOf({ total_votes: 1_200, abstained: 0 }), "1,200 votes counted")
  const changed = { at: "2026-11-24T20:15:00Z", counts: [] }
  assert.strictEqual(
    totalOf({ total_votes: 3, abstained: 2, changed_after_final: changed }),
    "3 votes counted, 2 of them abstentions, some of them after the result was final"
  )
  assert.strictEqual(totalOf({ total_votes: 2, abstained: 1 }), "2 votes counted, 1 of them an abstention")
  assert.strictEqual(totalOf({ total_votes: 2, abstained: 2 }), "2 votes counted, all of them abstentions")
  assert.strictEqual(
    totalOf({ total_votes: 1, abstained: 1, changed_after_final: changed }),
    "1 vote counted, an abstention, after the result was final"
  )
})
