import { assert, it } from "@effect/vitest"
import { linesOf } from "../../../src/web/admin/textLines.ts"
import { named } from "../../../src/web/words/formats.ts"

const lines = (text: string, most: number): ReadonlyArray<string> => linesOf((line) => line.length, text, most)

it("a picture's lines break between words, and within a word that is too long", () => {
  assert.deepStrictEqual(lines("one two three", 8), ["one two", "three"])
  assert.deepStrictEqual(lines("a verylongword b", 6), ["a", "verylo", "ngword", "b"])
})

it("a name that is written from right to left stays on one line, with what sets it apart", () => {
  const [anna, ali] = [named("אנה לוי"), named("علي حسن")]
  assert.deepStrictEqual(lines(`A tie between ${anna} and ${ali}.`, 18), ["A tie between", `${anna} and`, `${ali}.`])
})
