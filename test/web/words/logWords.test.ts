import { assert, it } from "@effect/vitest"
import { kinds } from "../../../src/domain/Rules.ts"
import { countedFor } from "../../../src/web/words/logWords.ts"

it("what the log has for an option is said as the results say it, by kind", () => {
  const told = kinds.map((kind) => countedFor(kind, { count: 2, sum: 7 }, 3))
  assert.deepStrictEqual(told, [
    "2",
    "2 of 3 ballots",
    "3.50, mean of 2 ballots",
    "7 points from 2 ballots",
    "first on 2 ballots"
  ])
  assert.strictEqual(countedFor("score", { count: 0, sum: 0 }, 3), "Not rated")
})
