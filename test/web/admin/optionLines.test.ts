import { assert, describe, it } from "@effect/vitest"
import { toOptions } from "../../../src/web/admin/optionLines.ts"

const known = ["Small", "Large", "Huge"].map((label) => ({ id: label.toLowerCase(), label }))
const idsOf = (lines: string) => toOptions(lines, true, known).map(({ id }) => id)

describe("the lines that options are written in", () => {
  it("keep the id of an option under a mended label, and wherever its line is moved to", () => {
    assert.deepStrictEqual(idsOf("Small\nLarger\nHuge"), ["small", "large", "huge"])
    assert.deepStrictEqual(idsOf("Huge\n Small\n\nLarge"), ["huge", "small", "large"])
    // Votes for one option must not become another one's.
    assert.deepStrictEqual(idsOf("Large\nSmaller\nHuge"), ["large", "smaller", "huge"])
    assert.deepStrictEqual(idsOf("Huge\nTiny"), ["huge", "tiny"])
  })
})
