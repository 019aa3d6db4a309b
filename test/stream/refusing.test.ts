import { mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { startRedis } from "../../src/embedded/RedisServer.ts"
import { Backlog } from "../../src/stream/Backlog.ts"
import { type Connection, Redis } from "../../src/stream/Redis.ts"
import { layerStreamGauges } from "../../src/stream/StreamGauges.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { own, ownRedis } from "../e2e/ownServer.ts"
import { collectLog } from "../support/collectLog.ts"
import { dataFolder } from "../support/dataFolder.ts"
import { eventually, layerServers } from "../support/servers.ts"
import { cast } from "../support/votes.ts"

/** Tries to write a snapshot, and waits until Redis has tried. */
const trySnapshot = async (client: Connection): Promise<void> => {
  await client.bgsave()
  for (const deadline = performance.now() + 10_000; performance.now() < deadline; await sleep(20)) {
    if (/rdb_bgsave_in_progress:0/.test(await client.info("persistence"))) return
  }
}

const streamName = "votes-refused"

/** Ways to make a Redis refuse writes, and to make it take them again. */
const ways = [
  {
    name: "OOM",
    counts: true,
    refuse: (client: Connection) => client.config("SET", "maxmemory", "1"),
    mend: (client: Connection) => client.config("SET", "maxmemory", "0")
  },
  {
    name: "NOREPLICAS",
    counts: false,
    refuse: (client: Connection) => client.config("SET", "min-replicas-to-write", "1"),
    mend: (client: Connection) => client.config("SET", "min-replicas-to-write", "0")
  },
  {
    // Someone else has put a key of another type in the place of the stream.
    name: "WRONGTYPE",
    counts: false,
    refuse: async (client: Connection) => {
      await client.rename(streamName, "kept")
      await client.set(streamName, "in the way")
    },
    mend: (client: Connection) => client.rename("kept", streamName)
  },
  {
    // Its disk fails: a snapshot can't be put in its place, and where snapshots are made, that stops writes.
    name: "MISCONF",
    counts: false,
    refuse: async (client: Connection, folder: string) => {
      mkdirSync(join(folder, "redis/dump.rdb/in the way"), { recursive: true })
      await client.config("SET", "save", "3600 1000000")
      await trySnapshot(client)
    },
    mend: async (client: Connection, folder: string) => {
      rmSync(join(folder, "redis/dump.rdb"), { recursive: true })
      await trySnapshot(client)
    }
  }
] as const

describe("a Redis that answers and refuses writes", () => {
  it.live.each(ways)(
    "is found out without a vote, told once with its reason, and told when it is over: $name",
    ({ counts, mend, name, refuse }) =>
      Effect.gen(function* () {
        const folder = yield* dataFolder
        const { url } = yield* own(startRedis, folder)
        const log = collectLog()
        const up = Effect.map(
          PrometheusMetrics.format(),
          (text) => /^tallykeep_server_up\{[^}]*server="redis"[^}]*\} (\d)/m.exec(text)?.[1]
        )
        yield* Effect.gen(function* () {
          const { client } = yield* Redis
          const stream = yield* VoteStream
          yield* eventually(stream.append(cast()))
          assert.deepStrictEqual(yield* stream.check("append"), [])
          yield* eventually(Effect.map(up, (value) => assert.strictEqual(value, "1")))
          const keys = yield* Effect.promise(() => client.dbsize())

          yield* Effect.promise(() => refuse(client, folder))
          const refusal = yield* eventually(Effect.flip(stream.check("append")))
          assert.match(refusal instanceof Error ? refusal.message : "", new RegExp(name))
          yield* Effect.flip(stream.append(cast()))
          assert.strictEqual((yield* Effect.result(stream.check("count")))._tag, counts ? "Success" : "Failure")
          yield* eventually(Effect.map(up, (value) => assert.strictEqual(value, "0")))
          yield* Effect.sleep("1200 millis")
          assert.strictEqual(log.like(new RegExp(`^WARN Can't take votes .*${name}`)).length, 1, log.lines.join("\n"))

          yield* Effect.promise(() => mend(client, folder))
          yield* eventually(stream.append(cast()))
          yield* eventually(Effect.sync(() => assert.strictEqual(log.like(/^INFO Redis takes votes again/).length, 1)))
          yield* eventually(Effect.map(up, (value) => assert.strictEqual(value, "1")))
          assert.strictEqual(yield* Effect.promise(() => client.dbsize()), keys)
        }).pipe(
          Effect.provide(Layer.mergeAll(layerStreamGauges("append"), Backlog.layer).pipe(Layer.provide(log.layer))),
          Effect.provide(layerServers({ stream: streamName }, undefined, url))
        )
      }).pipe(Effect.scoped)
  )

  it.live("is asked in the way that needs the user's right to append", () =>
    Effect.gen(function* () {
      const { url } = yield* ownRedis
      yield* Effect.gen(function* () {
        const { client } = yield* Redis
        const stream = yield* VoteStream
        yield* eventually(stream.append(cast()))
        yield* Effect.promise(() => client.call("ACL", "SETUSER", "default", "-xadd"))
        assert.match((yield* Effect.flip(stream.check("append"))).message, /lacks a command|no permissions/)
        assert.deepStrictEqual(yield* stream.check("count"), [])
      }).pipe(Effect.provide(layerServers({}, undefined, url)))
    }).pipe(Effect.scoped)
  )
})
