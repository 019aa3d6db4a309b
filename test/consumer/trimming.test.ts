import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ConsumerSettings } from "../../src/consumer/ConsumerSettings.ts"
import { ensureGroup } from "../../src/consumer/Reader.ts"
import { infoRecord } from "../../src/stream/HeldEntries.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { ownRedis } from "../e2e/ownServer.ts"
import { cast, giveTo } from "../support/giveTo.ts"
import { eventually, layerServers, quiet } from "../support/servers.ts"

describe("trimming", () => {
  const trim = Effect.gen(function* () {
    const { client } = yield* Redis
    const { stream } = yield* StreamSettings
    const { streamRetention } = yield* ConsumerSettings
    yield* Effect.promise(() => client.del(`${stream}:trimmed`))
    return yield* Effect.promise(() =>
      client.trimAcked(stream, `${stream}:trimmed`, 1, streamRetention.ms, streamRetention.entries)
    )
  })

  /** Fills the stream with entries that have all been given out and acked. */
  const fill = (count: number, idOf = "'*'") =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const { group, stream } = yield* StreamSettings
      yield* ensureGroup(client, stream, group)
      const script = `for index = 1, ${count} do redis.call('XADD', KEYS[1], ${idOf}, 'v', '1') end
        for _, entry in ipairs(redis.call('XREADGROUP', 'GROUP', ARGV[1], 'one', 'STREAMS', KEYS[1], '>')[1][2]) do
          redis.call('XACK', KEYS[1], ARGV[1], entry[1])
        end`
      yield* Effect.promise(() => client.eval(script, 1, stream, group))
    })

  const held = Effect.gen(function* () {
    const { client } = yield* Redis
    const { stream } = yield* StreamSettings
    return yield* Effect.promise(() => client.xlen(stream))
  })

  it.live("removes all that comes in within a second, however much that is", () =>
    Effect.gen(function* () {
      // More than Redis removes at once by itself.
      yield* Effect.forEach(Array.from({ length: 10 }), () => fill(2_500))
      yield* trim
      assert.isAtMost(yield* held, 100)
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("waits for who holds it, and for no record of a time that Redis's clock was set back from", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const { stream } = yield* StreamSettings
      yield* fill(1_000)
      const record = `${stream}:trimmed`
      const trimBeside = (lasting: number) =>
        Effect.promise(async () => {
          await client.holdTrims(stream, record, lasting)
          return client.trimAcked(stream, record, 1, 0, 0)
        })
      assert.strictEqual(yield* trimBeside(10_000), 0)
      assert.isAtLeast(yield* trimBeside(3_600_000), 900)
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("leaves acked entries until they have the age that they are to reach, by the stream's clock", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const { client } = yield* Redis
      const [seconds] = yield* Effect.promise(() => client.time())
      const dayAgo = `'${(Number(seconds) - 86_400) * 1_000}-' .. index`
      yield* fill(1_000, dayAgo)
      yield* fill(1_000)
      yield* trim
      assert.isAtLeast(yield* held, 1_000)
      assert.isAtMost(yield* held, 1_100)
      assert.strictEqual(yield* stream.backlog, 0)
    }).pipe(Effect.provide(layerServers({ streamRetention: { ms: 3_600_000, entries: 0 } })))
  )

  it.live("leaves the latest entries, and what is not acked beside them", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      yield* fill(500)
      yield* trim
      assert.strictEqual(yield* held, 500)
      yield* fill(1_500)
      yield* trim
      assert.isAtLeast(yield* held, 500)
      assert.isAtMost(yield* held, 600)
      const waiting = Array.from({ length: 1_200 })
      yield* Effect.forEach(waiting, () => stream.append(cast()), { concurrency: 100 })
      yield* trim
      assert.isAtLeast(yield* held, 1_200)
      assert.strictEqual(yield* stream.backlog, 1_200)
    }).pipe(Effect.provide(layerServers({ streamRetention: { ms: 0, entries: 500 } })))
  )

  it.live.each([
    ["1000-2000", "'2000-' .. index"],
    ["1000-2000", "'1000-' .. (10000 + index)"]
  ] as const)("leaves a pending entry whose id, %s, is a later text than those of later ones, %s", ([pending, later]) =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const { group, stream } = yield* StreamSettings
      const ask = <A>(question: () => Promise<A>) => Effect.promise(question)
      yield* fill(1_000, "'1000-' .. index")
      yield* ask(() => client.xadd(stream, pending, "v", "1"))
      yield* ask(() => client.xreadgroup("GROUP", group, "other", "STREAMS", stream, ">"))
      yield* fill(1_000, later)
      yield* trim
      assert.isBelow(yield* held, 1_200)
      const [[first] = []] = yield* ask(() => client.xrange(stream, pending, "+", "COUNT", 1))
      assert.strictEqual(first, pending)
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("removes what is acked, and never an entry that is pending or was not yet given out", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const { client } = yield* Redis
      const settings = yield* StreamSettings
      const length = Effect.promise(() => client.xlen(settings.stream))
      assert.strictEqual(yield* trim, 0)
      const { ids } = yield* giveTo("one", 400)
      yield* Effect.forEach(Array.from({ length: 300 }), () => stream.append(cast()), { concurrency: 50 })
      yield* Effect.sleep(5)
      assert.strictEqual(yield* trim, 0)
      const [oldest, ...rest] = ids
      yield* Effect.promise(() => client.xack(settings.stream, settings.group, ...rest))
      yield* Effect.sleep(5)
      assert.strictEqual(yield* trim, 0)
      assert.strictEqual(yield* length, 700)
      yield* Effect.promise(() => client.xack(settings.stream, settings.group, String(oldest)))
      yield* Effect.sleep(5)
      assert.isAtLeast(yield* trim, 300)
      assert.isAtLeast(yield* length, 300)
      const added = yield* Effect.promise(() => client.xinfo("STREAM", settings.stream) as Promise<Array<unknown>>)
      assert.strictEqual(added[added.indexOf("entries-added") + 1], 700)
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("heeds every group of the stream", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const settings = yield* StreamSettings
      const { ids } = yield* giveTo("one", 300)
      yield* Effect.promise(() => client.xack(settings.stream, settings.group, ...ids))
      yield* Effect.promise(() => client.xgroup("CREATE", settings.stream, "another", "0"))
      assert.strictEqual(yield* trim, 0)
    }).pipe(Effect.provide(layerServers()))
  )
})

describe("the lag of a stream that keeps what is acked", () => {
  it.live("is right again after Redis has started anew, whether its file was written anew before or not", () =>
    Effect.gen(function* () {
      const server = yield* ownRedis
      yield* Effect.gen(function* () {
        const { client } = yield* Redis
        const { group, stream } = yield* StreamSettings
        const votes = yield* VoteStream
        const keep = Effect.promise(() => client.keepLag(stream, `${stream}:read`, group))
        const lagIs = (lag: number) =>
          eventually(
            Effect.andThen(
              keep,
              Effect.map(votes.states, ([state]) => assert.deepInclude(state, { lag }))
            )
          )
        const crash = Effect.andThen(server.crash, server.start)
        yield* eventually(giveTo("one", 3_000))
        yield* lagIs(0)
        yield* Effect.promise(() => client.bgrewriteaof())
        yield* eventually(
          Effect.map(
            Effect.promise(() => client.info("persistence")),
            (info) => assert.match(info, /aof_rewrite_in_progress:0/)
          )
        )
        yield* giveTo("two", 2_000)
        assert.strictEqual(yield* keep, 0)
        yield* giveTo("three", 500)
        yield* Effect.forEach(Array.from({ length: 1_500 }), () => votes.append(cast()), { concurrency: 100 })
        for (let round = 0; round < 2; round++) {
          yield* crash
          yield* lagIs(1_500)
        }
      }).pipe(Effect.provide(layerServers({}, undefined, server.url)))
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.live.each(["another-run 2-1 2", "another-run 1-1 9"])(
    "is not made right by what is of another stream: %s",
    (record) =>
      Effect.gen(function* () {
        const { client } = yield* Redis
        const { group, stream } = yield* StreamSettings
        const ask = <A>(question: () => Promise<A>) => Effect.promise(question)
        yield* ensureGroup(client, stream, group)
        for (const id of ["1-1", "2-1", "3-1"]) yield* ask(() => client.xadd(stream, id, "v", "1"))
        yield* ask(() => client.xreadgroup("GROUP", group, "one", "COUNT", 1, "STREAMS", stream, ">"))
        // As of a stream that had more entries, or had given out more of them.
        yield* ask(() => client.set(`${stream}:read`, record))
        assert.strictEqual(yield* ask(() => client.keepLag(stream, `${stream}:read`, group)), 0)
        const [known] = (yield* ask(() => client.xinfo("GROUPS", stream))) as ReadonlyArray<ReadonlyArray<unknown>>
        assert.strictEqual(infoRecord(known ?? []).lag, 2)
        yield* ask(() => client.del(`${stream}:read`))
      }).pipe(Effect.provide(layerServers()))
  )
})
