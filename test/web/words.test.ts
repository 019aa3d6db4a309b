import { assert, it } from "@effect/vitest"
import { shares } from "../../src/web/words.ts"

it("the shares that the pages show add up to 100.0%", () => {
  assert.deepStrictEqual(shares([2, 2, 3]), ["28.6%", "28.6%", "42.8%"])
  assert.deepStrictEqual(shares([0, 0]), ["0.0%", "0.0%"])
  assert.deepStrictEqual(shares([]), [])
})
