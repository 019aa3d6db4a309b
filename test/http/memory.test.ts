import { randomBytes } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { makeMemory } from "../../src/http/Memory.ts"

/** Asks a memory, and returns what it says and how often it had to look. */
const asking = () => {
  const memory = makeMemory<string>()
  const looked: Array<string> = []
  const ask = (text: string) =>
    memory(text, () => {
      looked.push(text)
      return text.startsWith("bad") ? undefined : `found ${text}`
    })
  return { ask, looked }
}

const signed = (text: string) => `${text}.${randomBytes(32).toString("base64url")}`

describe("a memory", () => {
  it("keeps what was found, and nothing else", () => {
    const { ask, looked } = asking()
    const [good, bad] = [signed("good"), signed("bad")]
    for (const _ of [1, 2, 3]) {
      assert.strictEqual(ask(good), `found ${good}`)
      assert.isUndefined(ask(bad))
    }
    assert.deepStrictEqual(looked, [good, bad, bad, bad])
    for (const text of ["", "a", "ab"]) assert.strictEqual(ask(text), `found ${text}`)
  })

  it("tells texts of one place apart", () => {
    const { ask } = asking()
    const end = signed("")
    for (const start of ["ann", "bob", "ann", "bob"]) assert.strictEqual(ask(start + end), `found ${start}${end}`)
    assert.isUndefined(ask(`bad${end}`))
  })

  it("has a bound, up to which nearly all are known when they come again", () => {
    const { ask, looked } = asking()
    const texts = Array.from({ length: 20_000 }, (_, index) => signed(`good ${index}`))
    const again = (count: number): number => {
      for (const text of texts.slice(0, count)) ask(text)
      looked.length = 0
      for (const text of texts.slice(0, count)) ask(text)
      return looked.length
    }
    assert.isBelow(again(400), 100)
    assert.isAtLeast(again(20_000), 20_000 - 4_096)
    const long = signed("long".repeat(1_000))
    ask(long)
    looked.length = 0
    ask(long)
    assert.lengthOf(looked, 1)
  })

  it("is not emptied by what is not found", () => {
    const { ask, looked } = asking()
    const good = signed("good")
    ask(good)
    for (let index = 0; index < 20_000; index++) ask(signed("bad"))
    looked.length = 0
    ask(good)
    assert.lengthOf(looked, 0)
  })
})
