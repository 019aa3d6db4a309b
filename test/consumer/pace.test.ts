import { assert, describe, it } from "@effect/vitest"
import { makePace } from "../../src/consumer/Pace.ts"

/** A pace by a clock that the test sets. */
const paceAt = () => {
  let now = 1_000_000
  const pace = makePace({ batchSize: 1_000, countWithin: 50 }, () => now)
  return {
    pace,
    pass: (ms: number) => {
      now += ms
    }
  }
}

describe("the pace of a shard", () => {
  it("lets whoever asks first read at once, and the others one after the other", () => {
    const { pace, pass } = paceAt()
    assert.deepStrictEqual([pace.next(), pace.next(), pace.next()], [0, 50, 100])
    pass(120)
    assert.strictEqual(pace.next(), 30)
  })

  it("makes up for nothing: after a quiet time, one reads at once", () => {
    const { pace, pass } = paceAt()
    pace.next()
    pass(10_000)
    assert.deepStrictEqual([pace.next(), pace.next()], [0, 50])
  })

  it("lets all read at once while half a batch or more waits", () => {
    const { pace } = paceAt()
    pace.next()
    pace.read(500)
    assert.deepStrictEqual([pace.next(), pace.next()], [0, 0])
    pace.read(499)
    assert.deepStrictEqual([pace.next(), pace.next()], [50, 100])
  })
})
