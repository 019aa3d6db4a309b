import { assert, describe, it } from "@effect/vitest"
import { voterName } from "../../../src/web/poll/voterName.ts"

const token = (claims: unknown, signature = "s") =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.${signature}`

describe("the name of a token's voter", () => {
  it("is the same for each token of a voter, and another for each voter", () => {
    const alice = { iss: "https://id.example", sub: "alice" }
    assert.strictEqual(voterName(token({ ...alice, exp: 1 }, "a")), voterName(token({ exp: 2, ...alice }, "b")))
    const others = [
      alice,
      { ...alice, iss: "https://id.example.org" },
      { ...alice, sub: "älice?>" },
      ...Array.from({ length: 10_000 }, (_, index) => ({ ...alice, sub: `voter-${index}` }))
    ]
    assert.lengthOf(new Set(others.map((claims) => voterName(token(claims)))), others.length)
  })

  it("tells neither the token nor the voter, and is made of anything", () => {
    const names = [token({ sub: "alice" }), "", "x", "a.b.c", token(null), token({ sub: 1 })].map(voterName)
    for (const name of names) assert.match(name, /^[0-9a-z]{1,11}$/)
    assert.lengthOf(new Set(names), names.length)
  })
})
