import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { change, snapshot, view, withStreams } from "../../support/liveStreams.ts"

describe("LiveStreams", () => {
  it.effect("sends the present state at once, then each change, and reads once for all viewers", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        const viewers = yield* Effect.forEach(Array.from({ length: 50 }), () => view())
        for (const { ids } of viewers) assert.deepStrictEqual(ids(), [1])
        yield* TestClock.adjust("1 second")
        const before = world.reads
        yield* change(world)
        yield* TestClock.adjust("100 millis")
        for (const { ids } of viewers) assert.deepStrictEqual(ids(), [1, 2])
        assert.isAtMost(world.reads - before, 2)
      })
    )
  )

  it.effect("sends at most ten changes a second, the last one among them", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        const { ids } = yield* view()
        for (let ms = 0; ms < 2_000; ms += 5) {
          yield* change(world)
          yield* TestClock.adjust(5)
        }
        yield* TestClock.adjust("1 second")
        assert.strictEqual(ids().at(-1), 401)
        assert.isAtMost(ids().length, 22)
        assert.isAtLeast(ids().length, 19)
        assert.deepStrictEqual(
          ids(),
          [...new Set(ids())].sort((a, b) => a - b)
        )
      })
    )
  )

  it.effect("finds a change that was not announced within a little more than a second", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        const { ids } = yield* view()
        world.latest = snapshot(2)
        yield* TestClock.adjust("1200 millis")
        assert.deepStrictEqual(ids(), [1, 2])
      })
    )
  )

  it.effect("sends a viewer that has the present revision nothing until it changes", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        const same = yield* view("1")
        const behind = yield* view("0")
        const odd = yield* view("none")
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual([same.ids(), behind.ids(), odd.ids()], [[], [1], [1]])
        yield* change(world)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([same.ids(), behind.ids()], [[2], [1, 2]])
      })
    )
  )

  it.effect("never goes back, whatever a replica that is behind says, nor says a thing twice", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        const first = yield* view()
        // Another request has read it before the viewers' own reading does.
        world.current = snapshot(5)
        world.latest = snapshot(5)
        const second = yield* view()
        yield* TestClock.adjust("2 seconds")
        for (const latest of [snapshot(3), snapshot(5), snapshot(4), snapshot(6)]) {
          yield* change(world, latest)
          yield* TestClock.adjust("1 second")
        }
        assert.deepStrictEqual(first.ids(), [1, 5, 6])
        assert.deepStrictEqual(second.ids(), [5, 6])
      })
    )
  )

  it.effect("tells of a poll that closes by its time, also to who comes back with its last revision", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        const { seen } = yield* view()
        world.latest = snapshot(1, "closed")
        yield* TestClock.adjust("1200 millis")
        assert.lengthOf(seen, 2)
        assert.include(seen[1] ?? "", '"status":"closed"')
        yield* change(world, snapshot(1, "open"))
        yield* TestClock.adjust("2 seconds")
        assert.lengthOf(seen, 2)
        world.latest = snapshot(1, "closed")
        world.current = world.latest
        const back = yield* view("1")
        assert.include(back.seen[0] ?? "", '"status":"closed"')
      })
    )
  )
})
