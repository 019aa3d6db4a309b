import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { keepPartitions } from "../../src/consumer/LedgerRetention.ts"
import { Partitions } from "../../src/ledger/Partitions.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { day } from "../support/votes.ts"
import { noKeyMemory } from "../support/world.ts"

/** What is asked of the partitions, with three clocks and a vote that waits, in ms. */
const asked = Effect.fnUntraced(function* (given: {
  readonly own: number
  readonly redis: number
  readonly database: number
  readonly waiting?: number
  readonly retention?: number
}) {
  const calls: Array<ReadonlyArray<string | number>> = []
  const call = (...args: ReadonlyArray<string | number>) =>
    Effect.sync(() => {
      calls.push(args)
      return []
    })
  yield* TestClock.setTime(given.own)
  const times = { timeMs: given.redis, lastMs: 0, askedAt: 0, answeredAt: 0 }
  const state = { stream: "votes", length: 1, lag: 1, pending: 0, consumers: 1, ...times }
  yield* keepPartitions(given.retention).pipe(
    Effect.provide([
      Layer.mock(Partitions, {
        now: Effect.succeed(given.database),
        extend: (now, width) => call("extend", now, width),
        drop: (before) => call("drop", before)
      }),
      Layer.mock(VoteStream, {
        now: () => given.redis,
        keyMemory: noKeyMemory,
        states: Effect.succeed([
          { ...state, oldestMs: 0 },
          { ...state, oldestMs: given.waiting ?? 0 }
        ])
      })
    ])
  )
  return calls
})

describe("the ledger's partitions", () => {
  const at = 1000 * day

  it.effect("go by the clock that is furthest behind: one that is ahead drops nothing early", () =>
    Effect.gen(function* () {
      const expected = [
        ["extend", at, day],
        ["drop", at - 3 * day]
      ]
      for (const ahead of ["own", "redis", "database"]) {
        const clocks = { own: at, redis: at, database: at, retention: 3 * day }
        assert.deepStrictEqual(yield* asked({ ...clocks, [ahead]: at + 999 * day }), expected)
      }
    })
  )

  it.effect("are not dropped while a vote of theirs may wait in the stream", () =>
    Effect.gen(function* () {
      const given = { own: at, redis: at, database: at, retention: 3 * day, waiting: 5 * day }
      assert.deepStrictEqual((yield* asked(given)).at(-1), ["drop", at - 6 * day])
    })
  )

  it.effect("are kept for ever unless a retention is set", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* asked({ own: at, redis: at, database: at }), [["extend", at, 28 * day]])
    })
  )
})
