import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { OutOfService } from "../../src/domain/Problems.ts"
import { makeVoteId } from "../../src/domain/Vote.ts"
import type { Keeping } from "../../src/stream/Durability.ts"
import { makeKeyMemory } from "../../src/stream/KeyMemory.ts"
import { keyMemoryHash, keyRecord } from "../../src/stream/KeyRecords.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { Shards } from "../../src/stream/Shards.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { ownRedis } from "../e2e/ownServer.ts"
import { collectLog } from "../support/collectLog.ts"
import { eventually, layerServers, testSettings } from "../support/servers.ts"
import { cast } from "../support/votes.ts"

/** Appends votes with a key each. */
const appendKeyed = (count: number) =>
  Effect.flatMap(VoteStream, (stream) =>
    Effect.forEach(
      Array.from({ length: count }, (_, index) => `key-${index}`),
      (key) => stream.appendOnce(cast(), key),
      { concurrency: 100 }
    )
  )

/** What the records hold, as it is now. */
const bytes = Effect.flatMap(VoteStream, ({ keyMemory }) => Effect.map(keyMemory.sample, keyMemory.bytes))

const hashes = Effect.map(Shards, ({ current }) => current.map((shard) => [shard, keyMemoryHash(shard)] as const))

describe("what records of idempotency keys hold of memory", () => {
  it.live("is what Redis has taken for them, within a quarter", () =>
    Effect.gen(function* () {
      const { url } = yield* ownRedis
      yield* Effect.gen(function* () {
        const { client } = yield* Redis
        const stream = yield* VoteStream
        const [shard = assert.fail()] = (yield* Shards).current
        const used = Effect.promise(async () => Number(/^used_memory:(\d+)/m.exec(await client.info("memory"))?.[1]))
        yield* eventually(stream.append(cast()))
        const before = yield* used
        yield* appendKeyed(10_000)
        // Only the records stay.
        yield* Effect.promise(() => client.del(shard.stream))
        const told = yield* bytes
        const taken = (yield* used) - before
        assert.approximately(told, taken, taken / 4)
        const record = keyRecord(shard, { poll: "cats-or-dogs", key: "key-7" })
        const one = Number(yield* Effect.promise(() => client.memory("USAGE", record)))
        // That says nothing of the tables that Redis finds keys and expiries by.
        assert.isAtLeast(told, 10_000 * one)
        assert.isAtMost(told, 10_000 * one * 1.5)
      }).pipe(Effect.provide(layerServers({}, undefined, url)))
    }).pipe(Effect.scoped)
  )

  it.live("adds nothing for a key that is known, nor for votes without one", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      assert.strictEqual(yield* bytes, 0)
      yield* appendKeyed(3)
      const held = yield* bytes
      assert.isAbove(held, 0)
      yield* appendKeyed(3)
      yield* stream.append(cast())
      assert.strictEqual(yield* bytes, held)
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("is the same for each process, and is no more once the records have expired", () =>
    Effect.gen(function* () {
      const other = yield* Layer.build(Layer.fresh(VoteStream.layer))
      yield* appendKeyed(4)
      for (const seen of [bytes, Effect.provideContext(bytes, other)]) assert.isAbove(yield* seen, 0)
      for (const [{ client }, hash] of yield* hashes) {
        const expired = yield* Effect.promise(() => client.hkeys(hash))
        assert.strictEqual(yield* Effect.promise(() => client.pexpiretime(hash)), Math.max(...expired.map(Number)))
      }
      yield* eventually(Effect.map(bytes, (now) => assert.strictEqual(now, 0)))
      yield* eventually(
        Effect.gen(function* () {
          for (const [{ client }, hash] of yield* hashes) {
            assert.strictEqual(yield* Effect.promise(() => client.exists(hash)), 0)
          }
        })
      )
    }).pipe(Effect.scoped, Effect.provide(layerServers({ idempotencyTtl: 5_000 })))
  )

  it.live("is known for as long as the last of the records lives", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const [[{ client }, hash] = assert.fail()] = yield* hashes
      // Until records expire at two times: those that come within a while do so at one.
      const expired = yield* eventually(
        Effect.gen(function* () {
          yield* stream.appendOnce(cast(), makeVoteId())
          const times = yield* Effect.promise(() => client.hkeys(hash))
          assert.isAbove(times.length, 1)
          return times
        })
      )
      const until = yield* Effect.promise(() => client.pexpiretime(hash))
      assert.strictEqual(until, Math.max(...expired.map(Number)))
    }).pipe(Effect.provide(layerServers({ idempotencyTtl: 5_000 })))
  )

  it.live("is counted over the shards of a node, and none is forgotten early", () =>
    Effect.gen(function* () {
      yield* appendKeyed(40)
      const all = yield* hashes
      assert.lengthOf(all, 4)
      const [[{ client }, hash] = assert.fail()] = all
      const before = yield* bytes
      const soon = String(Date.now() - 1)
      const late = String(Date.now() + 600_000)
      yield* Effect.promise(() => client.hset(hash, { [soon]: 1_000_000, [late]: 2_000_000 }))
      assert.strictEqual(yield* bytes, before + 2_000_000)
      const fields = yield* Effect.promise(() => client.hkeys(hash))
      assert.include(fields, late)
      assert.notInclude(fields, soon)
    }).pipe(Effect.provide(layerServers({ shards: 4 })))
  )
})

describe("the share of records", () => {
  /** A Redis as its answers say. */
  const memoryOf = (idempotencyMemory?: number) => {
    const answers = { maxMemory: 400_000, bytes: 0, away: false }
    const answer = <A>(value: () => A) =>
      Effect.suspend(() =>
        answers.away
          ? Effect.fail(new OutOfService({ part: "redis", cause: new Error("refused") }))
          : Effect.sync(value)
      )
    const keeping = answer(
      (): Keeping => ({
        durability: "fsync",
        evicts: false,
        maxMemory: answers.maxMemory,
        memoryRatio: 0,
        unwritten: [],
        warnings: []
      })
    )
    const settings = testSettings({ idempotencyMemory, idempotencyTtl: 86_400_000 })
    return Effect.map(makeKeyMemory(settings, { keeping, keyBytes: answer(() => answers.bytes) }), (memory) => ({
      answers,
      memory
    }))
  }

  it.effect("is a quarter of what Redis may use, asked for now and then, else 256 MiB", () =>
    Effect.gen(function* () {
      const { answers, memory } = yield* memoryOf()
      yield* memory.sample
      assert.strictEqual(memory.limit(), 100_000)
      answers.maxMemory = 800_000
      yield* TestClock.adjust("10 seconds")
      answers.away = true
      yield* Effect.ignore(memory.sample)
      assert.strictEqual(memory.limit(), 100_000)
      yield* TestClock.adjust("10 seconds")
      answers.away = false
      yield* memory.sample
      assert.strictEqual(memory.limit(), 200_000)
      answers.maxMemory = Number.POSITIVE_INFINITY
      yield* TestClock.adjust("10 seconds")
      yield* memory.sample
      assert.strictEqual(memory.limit(), 256 * 2 ** 20)
    })
  )

  it.effect(
    "is the setting where there is one; over it records live 15 minutes, told once, and over twice none",
    () => {
      const log = collectLog()
      return Effect.gen(function* () {
        const { answers, memory } = yield* memoryOf(1_000)
        const at = Effect.fnUntraced(function* (held: number) {
          answers.bytes = held
          yield* memory.sample
          return [memory.ttl() / 60_000, memory.isFull()]
        })
        assert.deepStrictEqual(yield* at(999), [1_440, false])
        assert.deepStrictEqual(yield* at(1_000), [15, false])
        assert.deepStrictEqual(yield* at(1_999), [15, false])
        assert.deepStrictEqual(yield* at(2_000), [15, true])
        assert.deepStrictEqual(yield* at(1_999), [15, false])
        assert.deepStrictEqual(yield* at(900), [15, false])
        assert.deepStrictEqual(yield* at(899), [1_440, false])
        assert.deepStrictEqual(yield* at(999), [1_440, false])
        assert.strictEqual(memory.limit(), 1_000)
        assert.lengthOf(log.lines, 2)
        assert.match(log.lines[0] ?? "", /^WARN Can't remember new idempotency keys for longer than 15 minutes.* 1000 /)
        assert.match(log.lines[1] ?? "", /^INFO Idempotency keys are remembered for IDEMPOTENCY_TTL again/)
      }).pipe(Effect.provide(log.layer))
    }
  )
})
