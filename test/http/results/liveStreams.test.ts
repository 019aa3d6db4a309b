import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { NotFound, Unavailable } from "../../../src/domain/Problems.ts"
import { Lifecycle } from "../../../src/http/Lifecycle.ts"
import { awaitFrames } from "../../../src/http/results/AwaitFrames.ts"
import { LiveStreams } from "../../../src/http/results/LiveStreams.ts"
import { change, poll, snapshot, view, withStreams } from "../../support/liveStreams.ts"
import { makeSteppedClock } from "../../support/steppedClock.ts"

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

  it.effect("go on where a poll that shows its results live is opened again after its result was final", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        world.current = world.latest = snapshot(1, "final")
        const { fiber, ids } = yield* view()
        yield* TestClock.adjust("1 second")
        yield* change(world, snapshot(2))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(ids(), [1, 2])
        assert.isUndefined(fiber.pollUnsafe())
      })
    )
  )

  it.effect("tells that an open poll is closed for a moment, and open again, which are times and no revisions", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        const { seen } = yield* view()
        for (const status of ["upcoming", "open"] as const) {
          yield* change(world, snapshot(1, status))
          yield* TestClock.adjust("1 second")
        }
        const told = seen.flatMap((frame) => /"status":"(\w+)"/.exec(frame)?.[1] ?? [])
        assert.deepStrictEqual(told, ["open", "upcoming", "open"])
      })
    )
  )

  it.effect("finds a change at once whose announcement was lost with the connection, once there is another one", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        const { ids } = yield* view()
        yield* TestClock.adjust("1500 millis")
        world.latest = snapshot(2)
        world.listeners.get("poll")?.("another-poll")
        yield* TestClock.adjust(0)
        assert.deepStrictEqual(ids(), [1])
        world.listeners.get("poll")?.(undefined)
        yield* TestClock.adjust("100 millis")
        assert.deepStrictEqual(ids(), [1, 2])
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
        const same = yield* view("1-a1")
        const behind = yield* view("0-a1")
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
        world.latest = snapshot(1, "counting")
        yield* TestClock.adjust("1200 millis")
        assert.lengthOf(seen, 2)
        assert.include(seen[1] ?? "", '"status":"counting"')
        yield* change(world, snapshot(1, "open"))
        yield* TestClock.adjust("2 seconds")
        assert.lengthOf(seen, 2)
        world.latest = snapshot(1, "counting")
        world.current = world.latest
        const back = yield* view("1-a1")
        assert.include(back.seen[0] ?? "", '"status":"counting"')
      })
    )
  )

  it.effect("goes on from the reading of a ledger that was restored or made anew, however low its revision", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        world.current = snapshot(50)
        world.latest = snapshot(50)
        const { ids, seen } = yield* view()
        yield* change(world, snapshot(3, "open", "b2"))
        yield* TestClock.adjust("1 second")
        yield* change(world, snapshot(2, "open", "b2"))
        yield* TestClock.adjust("1 second")
        yield* change(world, snapshot(4, "open", "b2"))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(ids(), [50, 3, 4])
        assert.include(seen[1] ?? "", "\nid: 3-b2\n")
        // Who comes back with the same revision of the former ledger does not have this one's.
        const former = yield* view("4-a1")
        const same = yield* view("4-b2")
        assert.deepStrictEqual([former.ids(), same.ids()], [[4], []])
      })
    )
  )

  it.effect("begins while the ledger is away, with a comment, and sends the state once there is one", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        world.away = new Unavailable({})
        const { ids, seen } = yield* view("1-a1")
        assert.deepStrictEqual(seen, [":\n"])
        yield* TestClock.adjust("40 seconds")
        assert.deepStrictEqual(seen, [":\n", ":\n", ":\n"])
        world.away = undefined
        yield* TestClock.adjust("1200 millis")
        assert.deepStrictEqual(ids(), [1])
      })
    )
  )

  it.effect("waits no longer than a moment for a ledger that does not answer", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        world.hangs = true
        const streams = yield* LiveStreams
        const watching = yield* Effect.forkChild(streams.watch(poll, undefined, () => undefined))
        yield* TestClock.adjust("1 second")
        const frames = yield* Fiber.join(watching)
        const seen = yield* Effect.forkChild(Stream.runCollect(Stream.take(frames, 2)))
        yield* TestClock.adjust(0)
        world.hangs = false
        yield* TestClock.adjust("7 seconds")
        assert.deepStrictEqual(
          (yield* Fiber.join(seen)).map((frame) => Buffer.from(frame).toString().split("\n")[0]),
          [":", "event: tally"]
        )
      })
    )
  )

  it.effect("ends where the ledger has no such poll any more", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        const { fiber } = yield* view()
        world.away = new NotFound({})
        yield* TestClock.adjust("1200 millis")
        yield* Fiber.join(fiber)
        const streams = yield* LiveStreams
        assert.strictEqual(streams.viewers(), 0)
        yield* Effect.flip(streams.watch(poll, undefined, () => undefined))
      })
    )
  )

  it.effect("sends comments every 15 s, by elapsed time, when the wall clock is set back", () =>
    Effect.gen(function* () {
      const { layer, step } = yield* makeSteppedClock
      yield* withStreams(() =>
        Effect.gen(function* () {
          const { seen } = yield* view()
          step(-3_600_000)
          yield* TestClock.adjust("16 seconds")
          assert.deepStrictEqual(seen.slice(1), [":\n"])
        })
      ).pipe(Effect.provide(layer))
    })
  )

  it.effect("ends a stream that still waits for the ledger when the program stops", () =>
    withStreams((world) =>
      Effect.gen(function* () {
        world.away = new Unavailable({})
        const lifecycle = yield* Lifecycle
        const frames = awaitFrames(Deferred.await(lifecycle.stop), Effect.fail(new Unavailable({})))
        const seen: Array<Uint8Array> = []
        const waiting = yield* Effect.forkChild(
          Stream.runForEach(frames, (frame) => Effect.sync(() => seen.push(frame)))
        )
        for (let second = 0; second < 20; second++) yield* TestClock.adjust("1 second")
        assert.isUndefined(waiting.pollUnsafe())
        yield* Deferred.succeed(lifecycle.stop, undefined)
        yield* TestClock.adjust(0)
        yield* Fiber.join(waiting)
        assert.lengthOf(seen, 2)
      })
    )
  )
})
