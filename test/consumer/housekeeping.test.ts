import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { ConsumerSettings } from "../../src/consumer/ConsumerSettings.ts"
import { type CountMetrics, makeCountMetrics } from "../../src/consumer/CountMetrics.ts"
import { layerHousekeeping } from "../../src/consumer/Housekeeping.ts"
import { takeOver } from "../../src/consumer/TakeOver.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { collectLog } from "../support/collectLog.ts"
import { giveTo } from "../support/giveTo.ts"
import { eventually, layerServers } from "../support/servers.ts"

const counted = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ count: bigint }>`select count(*) as count from vote_event where status = 'counted'`
  return Number(rows[0]?.count)
})

const consumers = Effect.gen(function* () {
  const { client } = yield* Redis
  const { group, stream } = yield* StreamSettings
  const list = yield* Effect.promise(() => client.xinfo("CONSUMERS", stream, group) as Promise<Array<Array<unknown>>>)
  return list.map((consumer) => String(consumer[1])).toSorted()
})

const runReclaim = Effect.gen(function* () {
  const ledger = yield* Ledger
  const { client } = yield* Redis
  const settings = yield* ConsumerSettings
  const { group, stream } = yield* StreamSettings
  yield* ledger.migrated
  const options = { ...settings, stream, group, consumer: "taker", fence: Effect.void }
  return yield* takeOver(ledger, client, options, yield* makeCountMetrics)
})

describe("takeOver", () => {
  it.live("takes over what was left uncounted, page by page to the end, and nothing that is fresh", () =>
    Effect.gen(function* () {
      const settings = yield* ConsumerSettings
      yield* giveTo("dead", 250)
      assert.strictEqual(
        yield* runReclaim.pipe(Effect.provideService(ConsumerSettings, { ...settings, claimIdleMs: 60_000 })),
        0
      )
      yield* Effect.sleep(settings.claimIdleMs)
      assert.strictEqual(yield* runReclaim, 250)
      assert.strictEqual(yield* counted, 250)
      const stream = yield* VoteStream
      assert.strictEqual(yield* stream.backlog, 0)
    }).pipe(Effect.provide(layerServers({ claimIdleMs: 100, batchSize: 40 })))
  )

  it.live("goes on past entries that were deleted before they were counted", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const { stream } = yield* StreamSettings
      const { claimIdleMs } = yield* ConsumerSettings
      const { ids } = yield* giveTo("dead", 30)
      // All of the first page, and more.
      const gone = ids.slice(0, 12)
      yield* Effect.promise(() => client.xdel(stream, ...gone))
      yield* Effect.sleep(claimIdleMs)
      const log = collectLog()
      assert.strictEqual(yield* runReclaim.pipe(Effect.provide(log.layer)), 18)
      assert.strictEqual(yield* counted, 18)
      const lost = log.like(/LOST/).map((line) => Number(/LOST: (\d+) entries/.exec(line)?.[1]))
      assert.strictEqual(
        lost.reduce((sum, number) => sum + number, 0),
        12
      )
    }).pipe(Effect.provide(layerServers({ claimIdleMs: 50, batchSize: 10 })))
  )

  it.live("counts what replicas have, then acks it, and tells of what came again and what is lost", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const ledger = yield* Ledger
      const settings = yield* ConsumerSettings
      const { group, stream } = yield* StreamSettings
      yield* ledger.migrated
      const { ids } = yield* giveTo("dead", 25)
      yield* Effect.promise(() => client.xdel(stream, ...ids.slice(0, 1)))
      yield* Effect.sleep(settings.claimIdleMs)
      const done: Array<string> = []
      const fence = Effect.sync(() => void done.push("fence"))
      const watched = Ledger.of({
        ...ledger,
        count: (votes) =>
          Effect.promise(() => client.xpending(stream, group)).pipe(
            Effect.map(([pending]) => done.push(Number(pending) >= votes.length ? "count" : "count what was acked")),
            Effect.andThen(ledger.count(votes))
          )
      })
      const told = { lost: 0, redelivered: 0 }
      const metrics: CountMetrics = {
        ...(yield* makeCountMetrics),
        lost: (entries) => (told.lost += entries),
        redelivered: (_poll, votes) => (told.redelivered += votes)
      }
      const options = { ...settings, stream, group, consumer: "taker", fence }
      assert.strictEqual(yield* takeOver(watched, client, options, metrics), 24)
      assert.deepStrictEqual(done, ["fence", "count", "fence", "count", "fence", "count"])
      assert.deepStrictEqual(told, { lost: 1, redelivered: 24 })
    }).pipe(Effect.provide(layerServers({ claimIdleMs: 50, batchSize: 10 })))
  )
})

describe("housekeeping", () => {
  it.live("takes over, trims, and deletes only those silent consumers that hold nothing", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const { group, stream } = yield* StreamSettings
      const { claimIdleMs } = yield* ConsumerSettings
      const ledger = yield* Ledger
      yield* ledger.migrated
      yield* giveTo("dead", 200)
      yield* Effect.gen(function* () {
        yield* eventually(Effect.map(counted, (votes) => assert.strictEqual(votes, 200)))
        yield* eventually(
          Effect.map(
            Effect.promise(() => client.xlen(stream)),
            (length) => assert.isBelow(length, 101)
          )
        )
      }).pipe(Effect.provide(layerHousekeeping))
      yield* giveTo("holding", 1)
      yield* Effect.sleep(claimIdleMs)
      const sweep = (idle: number) => Effect.promise(() => client.sweepConsumers(stream, group, idle))
      assert.deepStrictEqual(yield* sweep(3_600_000), [])
      assert.include(yield* sweep(claimIdleMs / 2), "dead")
      assert.deepStrictEqual(yield* consumers, ["holding"])
    }).pipe(Effect.provide(layerServers({ claimIdleMs: 200 })))
  )
})
