import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { makePace, type Pace } from "../../src/consumer/Pace.ts"

const settings = { batchSize: 1_000, blockMs: 2_000, countWithin: 50 }

/** A pace by a clock that the test sets. */
const paceAt = (): { pace: Pace; pass: (ms: number) => void } => {
  let now = 1_000_000
  const pass = (ms: number) => {
    now += ms
  }
  return { pace: makePace(settings, () => now), pass }
}

/** Reads as long as `votes` come in a second, evenly; returns how long the last pause was. */
const restAt = (votes: number): number => {
  const { pace, pass } = paceAt()
  const gap = 1_000 / votes
  let since = 0
  for (let read = 0; read < 50; read++) {
    const waited = Math.max(gap - since, pace.rest())
    pass(waited)
    const came = Math.floor((since + waited) / gap)
    since = since + waited - came * gap
    pace.read(came)
  }
  return pace.rest()
}

describe("the pace of a shard", () => {
  it("follows what comes in, and is never longer than COUNT_WITHIN", () => {
    const pauses = [1, 10, 100, 1_000, 10_000].map(restAt)
    assert.deepStrictEqual(
      pauses,
      pauses.toSorted((a, b) => a - b)
    )
    const [one = 0, ten = 0, hundred = 0, thousand = 0, most = 0] = pauses
    assert.isBelow(one, 1)
    assert.isBelow(ten, 5)
    assert.isAbove(hundred, 15)
    assert.isAbove(thousand, 40)
    assert.isAtMost(most, settings.countWithin)
  })

  it("has no pause after a read that brought nothing, nor before the first", () => {
    const { pace, pass } = paceAt()
    assert.strictEqual(pace.rest(), 0)
    pace.read(10)
    pass(1)
    pace.read(0)
    assert.strictEqual(pace.rest(), 0)
  })

  it("has none while half a batch or more waits, and lets all read", () => {
    const { pace, pass } = paceAt()
    pace.read(100)
    pass(50)
    assert.isFalse(pace.isBehind())
    pace.read(500)
    assert.isTrue(pace.isBehind())
    assert.strictEqual(pace.rest(), 0)
    pass(5)
    pace.read(499)
    assert.isFalse(pace.isBehind())
    assert.isAbove(pace.rest(), 40)
  })

  it.effect("lets one consumer read, then whoever waits the longest", () =>
    Effect.gen(function* () {
      const { pace } = paceAt()
      assert.isTrue(pace.take())
      assert.isFalse(pace.take())
      const first = yield* Effect.forkChild(pace.freed, { startImmediately: true })
      const second = yield* Effect.forkChild(pace.freed, { startImmediately: true })
      pace.giveBack()
      yield* Fiber.join(first)
      assert.isTrue(pace.take())
      assert.isUndefined(second.pollUnsafe())
      pace.giveBack()
      yield* Fiber.join(second)
      // Free already.
      yield* pace.freed
    })
  )

  it("takes the turn from one whose read can't come back any more", () => {
    const { pace, pass } = paceAt()
    assert.isTrue(pace.take())
    pass(settings.blockMs)
    assert.isFalse(pace.take())
    pass(2_000)
    assert.isTrue(pace.take())
  })
})
