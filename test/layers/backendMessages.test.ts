import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeBackendReader } from "../../src/layers/BackendMessages.ts"

const message = (type: string, body: string | Buffer): Buffer => {
  const bytes = Buffer.from(body)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length + 4)
  return Buffer.concat([Buffer.from(type), length, bytes])
}

const refusal = (state: string) => message("E", `SERROR\0VERROR\0C${state}\0Mcannot execute INSERT\0\0`)

/** What a server may send; C25006 is also in a row, where it is no state. */
const answers = Buffer.concat([
  message("S", "in_hot_standby\0off\0"),
  message("K", "\0\0\x12\x34key!"),
  message("Z", "I"),
  message("D", "\0\x01\0\0\0\x10C25006\0C25006\0Z\0"),
  message("C", "SELECT 1\0"),
  message("Z", "T"),
  refusal("25006"),
  message("Z", "E"),
  message("n", ""),
  refusal("57P01"),
  message("Z", "I")
])

const heardOf = (chunks: ReadonlyArray<Buffer>): ReadonlyArray<string> => {
  const heard: Array<string> = []
  const read = makeBackendReader({
    started: (pid) => heard.push(`pid ${pid}`),
    error: (state) => heard.push(state),
    idle: () => heard.push("idle")
  })
  for (const chunk of chunks) read(chunk)
  return heard
}

const expected = ["pid 4660", "idle", "25006", "57P01", "idle"]

describe("what a server says of itself", () => {
  it.effect("is heard wherever its bytes are cut", () =>
    Effect.sync(() => {
      for (let first = 0; first <= answers.length; first++) {
        const [one, other] = [answers.subarray(0, first), answers.subarray(first)]
        assert.deepStrictEqual(heardOf([one, other]), expected)
        const second = first + ((answers.length - first) >> 1)
        assert.deepStrictEqual(heardOf([one, answers.subarray(first, second), answers.subarray(second)]), expected)
      }
      const bytes = Array.from(answers, (_, index) => answers.subarray(index, index + 1))
      assert.deepStrictEqual(heardOf(bytes), expected)
    })
  )

  it.effect("is not kept without a bound, nor waited for where it has no length", () =>
    Effect.sync(() => {
      const endless = Buffer.from([0x45, 0x7f, 0xff, 0xff, 0xff])
      assert.deepStrictEqual(heardOf([endless, refusal("25006")]), [])
      assert.deepStrictEqual(heardOf([Buffer.alloc(20)]), [])
      assert.deepStrictEqual(heardOf([message("E", "no state")]), [""])
    })
  )
})
