import { OutgoingMessage } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { headLines, keepsLines } from "../../src/http/PreparedResponse.ts"

describe("the lines of a head", () => {
  it("are one for each header", () => {
    assert.strictEqual(headLines([]), "")
    assert.strictEqual(
      headLines(["vary", "Origin", "x-frame-options", "DENY"]),
      "vary: Origin\r\nx-frame-options: DENY\r\n"
    )
  })

  it.each([
    ["vary", "Origin\r\nset-cookie: a=b"],
    ["vary", "Origin\u0000"],
    ["vary", "…"],
    ["vary\r\nset-cookie", "a=b"],
    ["", "Origin"]
  ])("are refused where Node would refuse a header: %j", (name, value) => {
    assert.throws(() => headLines([name, value]))
  })
})

describe("the function of Node's that puts a head together", () => {
  it("is missed where it is not used any more", () => {
    assert.isTrue(keepsLines())
    const { _storeHeader } = OutgoingMessage.prototype
    try {
      OutgoingMessage.prototype._storeHeader = () => undefined
      assert.isFalse(keepsLines())
    } finally {
      OutgoingMessage.prototype._storeHeader = _storeHeader
    }
  })
})
