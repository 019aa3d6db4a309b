import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { defaultPoll, type Poll } from "../../../src/domain/Poll.ts"
import { LiveResults } from "../../../src/http/results/LiveResults.ts"
import { layerResults } from "../../support/api.ts"
import { makeSteppedClock } from "../../support/steppedClock.ts"
import { World } from "../../support/world.ts"

const poll = "cats-or-dogs"

const current = Effect.flatMap(LiveResults, (results) => results.current(poll))

const totalVotes = Effect.map(current, ({ body }) => JSON.parse(body).total_votes as number)

describe("LiveResults", () => {
  it.effect("reads the ledger once for all who ask at once, and once a second after that", () =>
    Effect.gen(function* () {
      const world = yield* World
      const snapshots = yield* Effect.all(
        Array.from({ length: 200 }, () => current),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(snapshots).size, 1)
      assert.strictEqual(world.reads, 1)

      world.counts = [{ option: "cats", count: 10 }]
      yield* TestClock.adjust(999)
      assert.strictEqual(yield* totalVotes, 3)
      assert.strictEqual(world.reads, 1)
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* totalVotes, 10)
      assert.strictEqual(world.reads, 2)
    }).pipe(Effect.provide(layerResults))
  )

  it.effect("tells what is pending, and changes its tag with what it says", () =>
    Effect.gen(function* () {
      const world = yield* World
      const first = yield* current
      yield* TestClock.adjust(1_000)
      assert.strictEqual((yield* current).etag, first.etag)
      world.pending = 7
      yield* TestClock.adjust(1_000)
      const later = yield* current
      assert.strictEqual(JSON.parse(later.body).pending, 7)
      assert.notStrictEqual(later.etag, first.etag)
    }).pipe(Effect.provide(layerResults))
  )

  it.effect("shows no reading from before a result was final where nothing else may be seen", () =>
    Effect.gen(function* () {
      const world = yield* World
      const { shown } = yield* LiveResults
      const hiding = { ...defaultPoll, results: "after_close" } as const
      const totalOf = (poll: Poll) => Effect.map(shown(poll), ({ results }) => results.total_votes)
      assert.strictEqual(yield* totalOf(hiding), 3)
      world.counts = [{ option: "cats", count: 10 }]
      world.finalMs = 1
      assert.strictEqual(yield* totalOf({ ...defaultPoll, finalMs: 1 }), 3)
      world.database = "away"
      assert.strictEqual((yield* Effect.flip(shown({ ...hiding, finalMs: 1 })))._tag, "Unavailable")
      world.database = "up"
      assert.strictEqual(yield* totalOf({ ...hiding, finalMs: 1 }), 10)
    }).pipe(Effect.provide(layerResults))
  )

  it.effect("gives the last known while the ledger is away, for 60 s, and the present again after", () =>
    Effect.gen(function* () {
      const world = yield* World
      assert.strictEqual(yield* totalVotes, 3)
      world.database = "away"
      world.counts = [{ option: "cats", count: 10 }]
      for (let seconds = 1; seconds < 60; seconds++) {
        yield* TestClock.adjust(1_000)
        assert.strictEqual(yield* totalVotes, 3)
      }
      yield* TestClock.adjust(1_000)
      const problem = yield* Effect.flip(current)
      assert.deepInclude(problem, { _tag: "Unavailable", detail: "Results temporarily unavailable" })
      world.database = "up"
      assert.strictEqual(yield* totalVotes, 10)
    }).pipe(Effect.provide(layerResults))
  )

  it.effect("is back within a second of the ledger, which it does not ask for each request meanwhile", () =>
    Effect.gen(function* () {
      const world = yield* World
      yield* current
      yield* TestClock.adjust(1_000)
      world.database = "away"
      assert.strictEqual(yield* totalVotes, 3)
      world.database = "up"
      world.counts = [{ option: "cats", count: 10 }]
      for (let asked = 0; asked < 100; asked++) assert.strictEqual(yield* totalVotes, 3)
      assert.strictEqual(world.reads, 1)
      yield* TestClock.adjust(500)
      assert.strictEqual(yield* totalVotes, 10)
      assert.strictEqual(world.reads, 2)
    }).pipe(Effect.provide(layerResults))
  )

  it.effect("fails at once where it has nothing to give, and tries anew for the next", () =>
    Effect.gen(function* () {
      const world = yield* World
      world.database = "away"
      assert.strictEqual((yield* Effect.flip(current))._tag, "Unavailable")
      world.database = "up"
      assert.strictEqual(yield* totalVotes, 3)
    }).pipe(Effect.provide(layerResults))
  )

  it.effect("knows no poll that the ledger does not, nor one that is gone", () =>
    Effect.gen(function* () {
      const world = yield* World
      world.migrated = false
      assert.strictEqual((yield* Effect.flip(current))._tag, "NotFound")
      world.migrated = true
      assert.strictEqual(yield* totalVotes, 3)
      world.migrated = false
      yield* TestClock.adjust(1_000)
      assert.strictEqual((yield* Effect.flip(current))._tag, "NotFound")
    }).pipe(Effect.provide(layerResults))
  )

  it.effect("does not say that a poll is missing because the ledger went away", () =>
    Effect.gen(function* () {
      const world = yield* World
      world.migrated = false
      assert.strictEqual((yield* Effect.flip(current))._tag, "NotFound")
      world.database = "away"
      assert.strictEqual((yield* Effect.flip(current))._tag, "Unavailable")
      world.database = "up"
      assert.strictEqual((yield* Effect.flip(current))._tag, "NotFound")
    }).pipe(Effect.provide(layerResults))
  )

  it.effect("goes on after a mistake of ours in the reading", () =>
    Effect.gen(function* () {
      const world = yield* World
      world.database = "broken"
      assert.strictEqual((yield* Effect.flip(current))._tag, "Unavailable")
      world.database = "up"
      assert.strictEqual(yield* totalVotes, 3)
      world.database = "broken"
      yield* TestClock.adjust(1_000)
      assert.strictEqual(yield* totalVotes, 3)
    }).pipe(Effect.provide(layerResults))
  )
})

describe("LiveResults, while the ledger is slow", () => {
  it.effect("gives what it has after half a second, and what came to those who ask later", () =>
    Effect.gen(function* () {
      const world = yield* World
      yield* current
      world.delay = 3_000
      world.counts = [{ option: "cats", count: 10 }]
      yield* TestClock.adjust(1_000)
      const waiting = yield* Effect.forkChild(totalVotes)
      yield* TestClock.adjust(499)
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* Fiber.join(waiting), 3)
      yield* TestClock.adjust(2_500)
      world.delay = 0
      world.database = "away"
      assert.strictEqual(yield* totalVotes, 10)
      assert.strictEqual(world.reads, 2)
    }).pipe(Effect.provide(layerResults))
  )

  it.effect("goes on reading for the others when one goes away", () =>
    Effect.gen(function* () {
      const world = yield* World
      world.delay = 1_000
      const first = yield* Effect.forkChild(totalVotes)
      const second = yield* Effect.forkChild(totalVotes)
      yield* TestClock.adjust(500)
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust(500)
      assert.strictEqual(yield* Fiber.join(second), 3)
      assert.strictEqual(world.reads, 1)
    }).pipe(Effect.provide(layerResults))
  )
})

describe("LiveResults, when the wall clock is set back by an hour", () => {
  it.effect("are read anew after a second, as ever", () =>
    Effect.gen(function* () {
      const { layer, step } = yield* makeSteppedClock
      yield* Effect.gen(function* () {
        const world = yield* World
        const results = yield* LiveResults
        assert.strictEqual(yield* totalVotes, 3)
        step(-3_600_000)
        world.counts = [{ option: "cats", count: 10 }]
        yield* TestClock.adjust(1_000)
        assert.isUndefined(results.fresh(poll))
        assert.strictEqual(yield* totalVotes, 10)

        // Nor are they kept for longer while the ledger is away, or the ledger left alone once it is back.
        world.database = "away"
        step(-3_600_000)
        yield* TestClock.adjust(60_000)
        yield* Effect.flip(current)
        world.database = "up"
        step(-3_600_000)
        yield* TestClock.adjust(500)
        assert.strictEqual(yield* totalVotes, 10)
      }).pipe(Effect.provide(layerResults.pipe(Layer.provideMerge(layer))))
    })
  )
})
