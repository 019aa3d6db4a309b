import { createHmac, randomBytes } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { isSigned, makeSign } from "../../../src/http/voting/Signatures.ts"

const hmac = (secret: string | Uint8Array, text: string) =>
  createHmac("sha256", secret).update(text).digest("base64url")

describe("a signature", () => {
  it.prop(
    "is the HMAC of any text with any secret",
    [Schema.String.check(Schema.isMaxLength(200)), Schema.Array(Schema.String.check(Schema.isMaxLength(100)))],
    ([secret, texts]) => {
      const sign = makeSign(secret)
      for (const text of texts) assert.strictEqual(sign(text), hmac(secret, text))
    }
  )

  it.each([0, 1, 31, 32, 63, 64, 65, 128, 1_000])(
    "is the HMAC with a secret of %i bytes, however long the text",
    (length) => {
      const secret = randomBytes(length)
      const sign = makeSign(secret)
      // A short one after a long one must hold nothing of it.
      for (const count of [0, 1, 4_000, 2, 1_365, 1_366, 4_096, 20_000, 3]) {
        for (const text of ["a", "é", "語", "😀"].map((character) => character.repeat(count))) {
          assert.strictEqual(sign(text), hmac(secret, text), `${text.slice(0, 1)} ${count}`)
        }
      }
    }
  )

  it("is one of the signers', whole and of this text", () => {
    const signers = ["one", "other"].map(makeSign)
    for (const sign of signers) {
      const right = sign("text")
      assert.isTrue(isSigned("text", right, signers))
      assert.isFalse(isSigned("texts", right, signers))
      for (const wrong of ["", right.slice(1), `${right}A`, `A${right.slice(1)}B`])
        assert.isFalse(isSigned("text", wrong, signers))
    }
    assert.isFalse(isSigned("text", makeSign("third")("text"), signers))
    assert.isFalse(isSigned("text", "", []))
  })
})
