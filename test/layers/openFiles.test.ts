import { assert, describe, it } from "@effect/vitest"
import { maxOpenFiles, parseLimit } from "../../src/layers/OpenFiles.ts"

describe("maxOpenFiles", () => {
  it.each([
    [
      "Max processes             1    1    processes\nMax open files            20000                30000                files\n",
      20_000
    ],
    ["Max open files            unlimited            unlimited            files\n", 1_048_576],
    ["256\n", 256],
    ["unlimited\n", 1_048_576],
    ["", undefined],
    ["sh: ulimit: not found", undefined]
  ])("reads %j", (text, limit) => {
    assert.strictEqual(parseLimit(text), limit)
  })

  it("finds that of this process", () => {
    assert.isAtLeast(maxOpenFiles(), 64)
  })
})
