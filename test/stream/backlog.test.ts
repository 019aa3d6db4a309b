import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { elapsed } from "../../src/Elapsed.ts"
import { Backlog } from "../../src/stream/Backlog.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import type { StreamState } from "../../src/stream/StreamState.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { testSettings } from "../support/servers.ts"
import { noKeyMemory } from "../support/world.ts"

it.effect("the backlog is looked at every second, and twice as often while votes come in or wait", () => {
  const asked: Array<number> = []
  let state: StreamState = {
    stream: "votes",
    length: 0,
    lag: 0,
    pending: 0,
    oldestMs: 0,
    consumers: 1,
    timeMs: 0,
    lastMs: 0,
    askedAt: 0,
    answeredAt: 0
  }
  const stream = Layer.mock(VoteStream, {
    states: Effect.map(elapsed, (ms) => {
      asked.push(ms)
      return [state]
    }),
    now: () => 0,
    check: () => Effect.succeed([]),
    keeping: Effect.never,
    keyMemory: noKeyMemory
  })
  return Effect.gen(function* () {
    const { isFull, pending } = yield* Backlog
    yield* TestClock.adjust(2_000)
    // One has come and was counted in between.
    state = { ...state, lastMs: 2_500 }
    yield* TestClock.adjust(2_500)
    assert.deepStrictEqual(asked.splice(0), [0, 500, 1_000, 2_000, 3_000, 3_500, 4_000])
    state = { ...state, lag: 10 }
    yield* TestClock.adjust(1_500)
    assert.strictEqual(pending(), 10)
    assert.isTrue(isFull())
    assert.deepStrictEqual(asked, [5_000, 5_500, 6_000])
  }).pipe(
    Effect.provide(
      Backlog.layer.pipe(
        Layer.provide([stream, Layer.succeed(StreamSettings, StreamSettings.of({ ...testSettings(), maxBacklog: 10 }))])
      )
    )
  )
})
