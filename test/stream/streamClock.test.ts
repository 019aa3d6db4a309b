import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { makeStreamClock } from "../../src/stream/StreamClock.ts"
import { makeSteppedClock } from "../support/steppedClock.ts"

describe("the time that polls close by", () => {
  const state = { stream: "votes", length: 0, lag: 0, pending: 0, oldestMs: 0, consumers: 0 }

  it.effect("is our own until Redis was seen, and then Redis's, whatever ours is set to", () =>
    Effect.gen(function* () {
      const stepped = yield* makeSteppedClock
      const clock = yield* Effect.provide(Effect.clockWith(Effect.succeed), stepped.layer)
      const { now, reached, see } = makeStreamClock(clock)
      yield* TestClock.setTime(1_000)
      assert.strictEqual(now(), 1_000)
      see({ ...state, timeMs: 50_000, lastMs: 0, askedAt: 1_000, answeredAt: 1_000 })
      stepped.step(3_600_000)
      yield* TestClock.adjust(500)
      assert.strictEqual(now(), 50_500)
      // The last id is ahead: it stands still until the clock has caught up.
      reached("votes", 60_000)
      yield* TestClock.adjust(500)
      assert.strictEqual(now(), 60_000)
      yield* TestClock.adjust(10_000)
      assert.strictEqual(now(), 61_000)
    })
  )

  it.effect("does not go back because an answer was slow, but with the clock, and is that of the stream ahead", () =>
    Effect.gen(function* () {
      const { now, see } = makeStreamClock(yield* Effect.clockWith(Effect.succeed))
      yield* TestClock.setTime(1_000)
      see({ ...state, timeMs: 50_000, lastMs: 0, askedAt: 1_000, answeredAt: 1_000 })
      // Read when it was asked, told much later.
      yield* TestClock.setTime(1_800)
      see({ ...state, timeMs: 50_000, lastMs: 0, askedAt: 1_000, answeredAt: 1_800 })
      assert.strictEqual(now(), 50_800)
      see({ ...state, timeMs: 40_000, lastMs: 0, askedAt: 1_800, answeredAt: 1_800 })
      assert.strictEqual(now(), 40_000)
      see({ ...state, stream: "votes:{1}", timeMs: 40_100, lastMs: 0, askedAt: 1_800, answeredAt: 1_800 })
      see({ ...state, stream: "votes:{2}", timeMs: 39_000, lastMs: 40_050, askedAt: 1_800, answeredAt: 1_800 })
      assert.strictEqual(now(), 40_100)
    })
  )
})
