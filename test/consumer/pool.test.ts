import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { ConsumerSettings } from "../../src/consumer/ConsumerSettings.ts"
import { layerPool } from "../../src/consumer/Pool.ts"
import { ensureGroup } from "../../src/consumer/Reader.ts"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { Shards } from "../../src/stream/Shards.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { encodeVote } from "../../src/stream/VoteEntry.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { uniqueName } from "../support/names.ts"
import { readerOf } from "../support/readers.ts"
import { eventually, layerServers, statuses } from "../support/servers.ts"
import { cast } from "../support/votes.ts"

/** Appends so many votes at once, and makes the group, as an API and an earlier consumer would have. */
const appendMany = Effect.fnUntraced(function* (count: number) {
  const { client } = yield* Redis
  const { group, stream } = yield* StreamSettings
  yield* ensureGroup(client, stream, group)
  const pipeline = client.pipeline()
  for (let index = 0; index < count; index++) pipeline.xadd(stream, "*", ...encodeVote(cast("cats")))
  yield* Effect.promise(() => pipeline.exec())
})

/** Runs the pool while `body` does, and stops it after. */
const withPool = <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.provide(body, layerPool)

const expectCounted = (counted: number, dead = 0) =>
  eventually(
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* statuses, {
        ...(counted > 0 ? { counted } : {}),
        ...(dead > 0 ? { dead } : {})
      })
      const { backlog } = yield* VoteStream
      assert.strictEqual(yield* backlog, 0)
    })
  )

describe("the pool", () => {
  it.live("counts what is appended, before it starts and after, and acks it", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      yield* Effect.forEach(Array.from({ length: 250 }), () => stream.append(cast("cats")), { concurrency: 50 })
      assert.strictEqual(yield* stream.backlog, 250)
      yield* withPool(
        Effect.gen(function* () {
          yield* expectCounted(250)
          yield* Effect.forEach(Array.from({ length: 50 }), () => stream.append(cast("dogs")), { concurrency: 50 })
          yield* expectCounted(300)
        })
      )
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("first counts what a former life of the same consumer was given and did not ack", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const redis = yield* Redis
      const ledger = yield* Ledger
      const settings = yield* StreamSettings
      yield* Effect.forEach(Array.from({ length: 30 }), () => stream.append(cast("cats")), { concurrency: 30 })
      yield* ensureGroup(redis.client, settings.stream, settings.group)
      const taken = yield* Effect.scoped(
        Effect.gen(function* () {
          const reader = yield* readerOf(yield* redis.dedicated("former"), { consumer: "test-1", batchSize: 20 })
          return yield* eventually(reader.read("new"))
        })
      )
      assert.strictEqual(taken.ids.length, 20)
      yield* ledger.migrated
      yield* withPool(expectCounted(30))
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("counts what it was given by a connection that broke, without waiting for a take-over", () => {
    const consumer = uniqueName("consumer")
    return Effect.gen(function* () {
      const { client } = yield* Redis
      const { group, stream } = yield* StreamSettings
      const ask = <A>(question: () => Promise<A>) => Effect.promise(question)
      const connectionId = eventually(
        Effect.map(
          ask(() => client.client("LIST") as Promise<string>),
          (all) => {
            const line = all
              .split("\n")
              .find((one) => one.includes(` name=${consumer}-1 `) && one.includes("xreadgroup"))
            return /^id=(\d+)/.exec(line ?? "")?.[1] ?? assert.fail("it does not read yet")
          }
        )
      )
      yield* appendMany(1)
      yield* ask(() => client.xreadgroup("GROUP", group, "other", "STREAMS", stream, ">"))
      yield* withPool(
        Effect.gen(function* () {
          const id = yield* connectionId
          // As if it had been handed out to the consumer, and the answer was lost.
          const [[entry = ""] = []] = yield* ask(() => client.xrange(stream, "-", "+"))
          yield* ask(() => client.xclaim(stream, group, `${consumer}-1`, 0, entry))
          yield* ask(() => client.client("KILL", "ID", id))
          yield* expectCounted(1)
        })
      )
    }).pipe(Effect.provide(layerServers({ consumer, fibers: 1 })))
  })

  it.live("counts two large batches at a time, and reads the next ones meanwhile", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const settings = yield* StreamSettings
      const { batchSize } = yield* ConsumerSettings
      const ledger = yield* Ledger
      const large = { counting: 0, most: 0, pending: 0 }
      const slow = Ledger.of({
        ...ledger,
        count: (votes) =>
          Effect.gen(function* () {
            large.most = Math.max(large.most, ++large.counting)
            yield* Effect.sleep(50)
            const [entries] = yield* Effect.promise(() => client.xpending(settings.stream, settings.group))
            large.pending = Math.max(large.pending, Number(entries))
            large.counting--
            return yield* ledger.count(votes)
          })
      })
      yield* appendMany(6 * batchSize)
      yield* withPool(expectCounted(6 * batchSize)).pipe(Effect.provideService(Ledger, slow))
      assert.strictEqual(large.most, 2)
      assert.isAbove(large.pending, 2 * batchSize)
    }).pipe(Effect.provide(layerServers({ batchSize: 1_000, fibers: 4 })))
  )

  it.live("waits for no turn any more once it stops", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const ledger = yield* Ledger
      const settings = yield* StreamSettings
      const { batchSize, fibers } = yield* ConsumerSettings
      const answers = yield* Deferred.make<void>()
      let counting = 0
      const hanging = Ledger.of({
        ...ledger,
        count: (votes) =>
          Effect.suspend(() => {
            counting++
            return Effect.andThen(Deferred.await(answers), ledger.count(votes))
          })
      })
      const all = fibers * batchSize
      yield* appendMany(all)
      const stop = yield* Deferred.make<void>()
      const pool = yield* withPool(Deferred.await(stop)).pipe(Effect.provideService(Ledger, hanging), Effect.forkChild)
      const pending = Effect.promise(() => client.xpending(settings.stream, settings.group))
      yield* eventually(Effect.map(pending, ([entries]) => assert.strictEqual(entries, all)))
      yield* eventually(Effect.sync(() => assert.strictEqual(counting, 2)))
      yield* Deferred.succeed(stop, undefined)
      yield* eventually(Effect.sync(() => assert.strictEqual(counting, fibers)))
      yield* Deferred.succeed(answers, undefined)
      yield* Fiber.join(pool)
      yield* expectCounted(all)
    }).pipe(Effect.provide(layerServers({ batchSize: 1_000, fibers: 4 })))
  )

  it.live("counts no more batches at a time than it has fibers, also of many shards, until it stops", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const ledger = yield* Ledger
      const { current } = yield* Shards
      const { group } = yield* StreamSettings
      const answers = yield* Deferred.make<void>()
      let counting = 0
      const hanging = Ledger.of({
        ...ledger,
        count: (votes) =>
          Effect.suspend(() => {
            counting++
            return Effect.andThen(Deferred.await(answers), ledger.count(votes))
          })
      })
      for (const { stream } of current) {
        yield* ensureGroup(client, stream, group)
        yield* Effect.promise(() => client.xadd(stream, "*", ...encodeVote(cast("cats"))))
      }
      const stop = yield* Deferred.make<void>()
      const pool = yield* withPool(Deferred.await(stop)).pipe(Effect.provideService(Ledger, hanging), Effect.forkChild)
      const { states } = yield* VoteStream
      const pending = Effect.map(states, (all) => all.reduce((sum, state) => sum + state.pending, 0))
      yield* eventually(Effect.map(pending, (entries) => assert.strictEqual(entries, current.length)))
      yield* eventually(Effect.sync(() => assert.strictEqual(counting, 2)))
      yield* Deferred.succeed(stop, undefined)
      yield* eventually(Effect.sync(() => assert.strictEqual(counting, current.length)))
      yield* Deferred.succeed(answers, undefined)
      yield* Fiber.join(pool)
      yield* expectCounted(current.length)
    }).pipe(Effect.provide(layerServers({ shards: 4, fibers: 2 })))
  )

  it.live("makes a dead letter of each entry that is no vote, and counts the rest", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const { client } = yield* Redis
      const settings = yield* StreamSettings
      const sql = yield* SqlClient.SqlClient
      const raw = (...fields: ReadonlyArray<string | Buffer>) =>
        Effect.promise(() => client.xadd(settings.stream, "*", ...fields))
      yield* Effect.forEach(Array.from({ length: 98 }), () => stream.append(cast("cats")), { concurrency: 50 })
      // A newer version may have more to say of a vote.
      yield* raw(
        "v",
        "1",
        "vote_id",
        makeVoteId(),
        "poll",
        "cats-or-dogs",
        "option",
        "cats",
        "cast_at",
        "1",
        "new",
        "1"
      )
      const id = makeVoteId()
      yield* raw("option", Buffer.from([0xff, 0xfe, 0x00]))
      yield* raw("v", "2", "vote_id", id, "poll", "cats-or-dogs", "option", "cats", "cast_at", "1")
      yield* raw("v", "1", "vote_id", "no-uuid", "poll", "cats-or-dogs", "option", "cats", "cast_at", "1")
      yield* stream.append(cast("birds"))
      yield* stream.append({ ...cast("cats"), poll: "nowhere" })
      yield* Effect.promise(() =>
        client.xadd(settings.stream, "9999999999999-18446744073709551615", "v", "1", "vote_id", makeVoteId())
      )
      yield* withPool(expectCounted(99, 6))
      const rows = yield* sql<{ vote_id: string; reason: string; fields: ReadonlyArray<Uint8Array> }>`
        select v.vote_id, v.reason, d.fields from dead_letter d join vote_event v using (vote_id)
        order by v.accepted_ms, v.accepted_seq`
      assert.deepStrictEqual(
        rows.map((row) => row.reason.split(":")[0]),
        [
          "undecodable",
          "undecodable",
          "undecodable",
          "unknown option",
          "unknown poll",
          "the entry's id is out of range"
        ]
      )
      assert.deepStrictEqual(Buffer.from(rows[0]?.fields[1] ?? []), Buffer.from([0xff, 0xfe, 0x00]))
      assert.strictEqual(rows[1]?.vote_id, id)
      assert.match(`${rows[1]?.reason}`, /an entry of version 2/)
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("makes its group again after Redis has lost it, and goes on", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const { client } = yield* Redis
      const settings = yield* StreamSettings
      yield* withPool(
        Effect.gen(function* () {
          yield* stream.append(cast("cats"))
          yield* expectCounted(1)
          yield* Effect.promise(() => client.del(settings.stream))
          yield* stream.append(cast("dogs"))
          yield* expectCounted(2)
        })
      )
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("is gone at once when idle, however long its reads would wait", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const { consumer } = yield* ConsumerSettings
      const scope = yield* Scope.make()
      yield* Layer.buildWithScope(layerPool, scope)
      // Both fibers wait in Redis.
      const blocked = Effect.map(
        Effect.promise(() => client.client("LIST") as Promise<string>),
        (list) => list.split("\n").filter((line) => line.includes(` name=${consumer}-`) && / flags=\w*b/.test(line))
      )
      yield* eventually(Effect.map(blocked, (lines) => assert.strictEqual(lines.length, 2)))
      yield* Scope.close(scope, yield* Effect.exit(Effect.void)).pipe(Effect.timeout("10 seconds"))
    }).pipe(Effect.provide(layerServers({ blockMs: 60_000, consumer: uniqueName("idle") })))
  )

  it.live("finishes the batches in hand when it stops", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const { client } = yield* Redis
      const settings = yield* StreamSettings
      yield* Effect.forEach(Array.from({ length: 500 }), () => stream.append(cast("cats")), { concurrency: 50 })
      const scope = yield* Scope.make()
      yield* Layer.buildWithScope(layerPool, scope)
      yield* eventually(Effect.map(statuses, ({ counted = 0 }) => assert.isAbove(counted, 0)))
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      const pending = yield* Effect.promise(() => client.xpending(settings.stream, settings.group))
      assert.strictEqual(pending[0], 0)
      const { counted = 0 } = yield* statuses
      assert.strictEqual(yield* stream.backlog, 500 - counted)
    }).pipe(Effect.provide(layerServers({ blockMs: 60_000 })))
  )
})
