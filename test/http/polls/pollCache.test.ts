import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch, Layer } from "effect"
import { defaultPoll } from "../../../src/domain/Poll.ts"
import { PollCache } from "../../../src/http/polls/PollCache.ts"
import { Ledger } from "../../../src/ledger/Ledger.ts"
import { PollStore } from "../../../src/ledger/PollStore.ts"
import { Announcements } from "../../../src/stream/Announcements.ts"
import { VoteStream } from "../../../src/stream/VoteStream.ts"
import { noKeyMemory } from "../../support/world.ts"

describe("PollCache", () => {
  it.effect("reads all polls once for many changes, after the last of them", () => {
    const read = { begun: 0, done: 0 }
    const gate = Latch.makeUnsafe(false)
    const list = Effect.gen(function* () {
      read.begun++
      yield* gate.await
      read.done++
      return [defaultPoll]
    })
    const layer = PollCache.layer.pipe(
      Layer.provide([
        Layer.mock(Ledger, { migrated: Effect.void }),
        Layer.mock(PollStore, { list }),
        Layer.mock(VoteStream, { now: () => 0, keyMemory: noKeyMemory }),
        Layer.mock(Announcements, { listen: () => Effect.void, announce: () => Effect.void })
      ])
    )
    return Effect.gen(function* () {
      const { changed } = yield* PollCache
      const change = Effect.andThen(
        changed("cats-or-dogs"),
        Effect.sync(() => read.done)
      )
      // The first reading of all, which is under way when the changes come.
      while (read.begun === 0) yield* Effect.yieldNow
      const changes = Array.from({ length: 100 }, () => change)
      const all = yield* Effect.forkChild(Effect.all(changes, { concurrency: "unbounded" }))
      yield* Effect.yieldNow
      yield* gate.open
      const seen = yield* Fiber.join(all)
      assert.strictEqual(read.begun, 2)
      assert.deepStrictEqual(new Set(seen), new Set([2]))
    }).pipe(Effect.provide(layer))
  })
})
