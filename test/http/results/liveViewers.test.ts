import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Lifecycle } from "../../../src/http/Lifecycle.ts"
import { LiveStreams } from "../../../src/http/results/LiveStreams.ts"
import { change, poll, view, withStreams } from "../../support/liveStreams.ts"

describe("LiveStreams, to viewers that come, stay or go", () => {
  it.effect("sends a comment when there was nothing else for 15 s", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        const { seen } = yield* view()
        yield* TestClock.adjust("14 seconds")
        assert.lengthOf(seen, 1)
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(seen.slice(1), [":\n"])
        // Others that come and go change nothing for this one.
        for (let viewers = 0; viewers < 5; viewers++) {
          const other = yield* view()
          yield* TestClock.adjust("5 seconds")
          yield* Fiber.interrupt(other.fiber)
        }
        assert.deepStrictEqual(seen.slice(1), [":\n", ":\n"])
        yield* change(world)
        yield* TestClock.adjust("14 seconds")
        assert.lengthOf(seen, 4)
      })
    )
  )

  it.effect("keeps only the latest for a viewer that does not read, and drops it in the end", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        const streams = yield* LiveStreams
        let drops = 0
        const frames = yield* streams.watch(poll, undefined, () => {
          drops++
        })
        const first = yield* Deferred.make<void>()
        const seen: Array<Uint8Array> = []
        const reading = yield* Effect.forkChild(
          Stream.runForEach(frames, (frame) =>
            Effect.andThen(
              Effect.sync(() => seen.push(frame)),
              seen.length === 0 ? Deferred.await(first) : Effect.void
            )
          )
        )
        const { ids } = yield* view()
        for (let second = 0; second < 14; second++) {
          yield* change(world)
          yield* TestClock.adjust("1 second")
        }
        assert.strictEqual(drops, 0)
        assert.strictEqual(streams.viewers(), 2)
        yield* change(world)
        yield* TestClock.adjust("4 seconds")
        assert.strictEqual(drops, 1)
        yield* Deferred.succeed(first, undefined)
        yield* Fiber.join(reading)
        // Of all the others only one had waited.
        assert.isAtMost(seen.length, 2)
        assert.strictEqual(streams.viewers(), 1)
        assert.strictEqual(ids().length, 16)
      })
    )
  )

  it.effect("stops asking when the last viewer has gone", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        const streams = yield* LiveStreams
        const viewers = [yield* view(), yield* view()]
        assert.strictEqual(streams.viewers(), 2)
        for (const { fiber } of viewers) yield* Fiber.interrupt(fiber)
        assert.strictEqual(streams.viewers(), 0)
        const { reads } = world
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(world.reads, reads)
        assert.deepStrictEqual((yield* view()).ids(), [1])
        assert.strictEqual(streams.viewers(), 1)
      })
    )
  )

  it.effect("stops asking when the last viewer was dropped, also where nothing tells that it has gone", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        const streams = yield* LiveStreams
        let drops = 0
        const stuck = { send: () => {}, isWaiting: () => true, end: () => {}, drop: () => void drops++ }
        const leave = streams.join(poll, world.current, undefined, stuck)
        yield* TestClock.adjust("14 seconds")
        assert.deepStrictEqual([drops, streams.viewers()], [0, 1])
        yield* TestClock.adjust("4 seconds")
        assert.deepStrictEqual([drops, streams.viewers()], [1, 0])
        const { reads } = world
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(world.reads, reads)
        const later = yield* view()
        leave()
        yield* change(world)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(later.ids(), [1, 2])
      })
    )
  )

  it.effect("has no viewer where nobody reads the stream, as after a HEAD", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        const streams = yield* LiveStreams
        yield* streams.watch(poll, undefined, () => undefined)
        assert.strictEqual(streams.viewers(), 0)
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(world.reads, 0)
      })
    )
  )

  it.effect("ends its streams when the shutdown begins, and drops who does not read the end", () =>
    withStreams(() =>
      Effect.gen(function* () {
        const lifecycle = yield* Lifecycle
        const { drops, fiber, ids } = yield* view()
        lifecycle.phase = "stopping"
        yield* Deferred.succeed(lifecycle.stop, undefined)
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(ids(), [1])
        assert.strictEqual(drops(), 0)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(drops(), 1)
        const late = yield* view()
        yield* Fiber.join(late.fiber)
        assert.deepStrictEqual(late.ids(), [1])
      })
    )
  )
})
