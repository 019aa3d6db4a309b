import { EventEmitter } from "node:events"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import { elapsedMs } from "../../src/Elapsed.ts"
import { makeWatch } from "../../src/layers/RedisConnection.ts"
import type { Connection } from "../../src/stream/Redis.ts"
import { quiet } from "../support/servers.ts"

/** What stands for a connection to a Redis that may go without a word; `given` is when it was given up. */
class FakeConnection extends EventEmitter {
  readonly options = { host: "redis", port: 6379 }
  readonly status = "ready"
  readonly commandQueue: Array<() => void> = []
  readonly stream = { bytesRead: 0, destroy: () => void this.#givenUp() }
  readonly #givenUp: () => void
  isGone = false

  constructor(givenUp: () => void) {
    super()
    this.#givenUp = givenUp
  }

  /** Sends a command, which is answered unless the other side has gone. */
  role(): Promise<unknown> {
    return new Promise((resolve) => {
      if (this.isGone) return void this.commandQueue.push(() => resolve(["master"]))
      this.stream.bytesRead += 1
      resolve(["master"])
    })
  }
}

/** A look ends in a promise, which takes no time, but turns of the event loop. */
const settled = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

const pass = (ms: number) =>
  Effect.andThen(settled, Effect.repeat(Effect.andThen(TestClock.adjust(50), settled), { times: ms / 50 - 1 }))

/** A connection that is looked after, and one for reads to the same server, where one waits for what may never come. */
const watched = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const start = elapsedMs(clock)
  const given: Array<readonly [string, number]> = []
  const make = (name: string) => new FakeConnection(() => void given.push([name, elapsedMs(clock) - start]))
  const [shared, reader] = [make("shared"), make("reader")]
  reader.commandQueue.push(() => undefined)
  const watch = yield* makeWatch({ replicas: false })
  watch("shared", shared as unknown as Connection)
  watch("reader", reader as unknown as Connection, true)
  return { shared, given }
})

describe("a connection whose other side goes without a word", () => {
  it.effect.each(["quiet", "busy"] as const)("is given up within 3.5 s, with the reads at its server (%s)", (how) =>
    Effect.gen(function* () {
      // Just after it was asked, and just before it is asked again.
      for (const goneAt of [4_000, 5_950]) {
        yield* Effect.gen(function* () {
          const { given, shared } = yield* watched
          yield* pass(goneAt)
          shared.isGone = true
          if (how === "busy") void shared.role()
          yield* pass(10_000 - goneAt)
          assert.deepStrictEqual(given.slice(0, 2), [
            ["shared", 7_500],
            ["reader", 7_500]
          ])
        }).pipe(Effect.scoped)
      }
    }).pipe(Effect.provide(quiet))
  )
})
