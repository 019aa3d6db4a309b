import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { Backlog } from "../../src/stream/Backlog.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { layerStreamGauges } from "../../src/stream/StreamGauges.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { ownRedis } from "../e2e/ownServer.ts"
import { collectLog } from "../support/collectLog.ts"
import { eventually, layerServers } from "../support/servers.ts"

const cast = () => ({ voteId: makeVoteId(), poll: "cats-or-dogs", option: "cats", castAt: Date.now() })

/** Ways to make a Redis refuse writes, and to make it take them again. */
const ways = [
  { name: "OOM", set: ["maxmemory", "1"], unset: ["maxmemory", "0"], counts: true },
  { name: "NOREPLICAS", set: ["min-replicas-to-write", "1"], unset: ["min-replicas-to-write", "0"], counts: false }
] as const

describe("a Redis that answers and refuses writes", () => {
  it.live.each(ways)(
    "is found out without a vote, told once with its reason, and told when it is over: $name",
    ({ counts, name, set, unset }) =>
      Effect.gen(function* () {
        const { url } = yield* ownRedis
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

          yield* Effect.promise(() => client.config("SET", ...set))
          const refusal = yield* eventually(Effect.flip(stream.check("append")))
          assert.match(refusal instanceof Error ? refusal.message : "", new RegExp(name))
          yield* Effect.flip(stream.append(cast()))
          assert.strictEqual((yield* Effect.result(stream.check("count")))._tag, counts ? "Success" : "Failure")
          yield* eventually(Effect.map(up, (value) => assert.strictEqual(value, "0")))
          yield* Effect.sleep("1200 millis")
          assert.strictEqual(log.like(new RegExp(`^WARN Can't take votes .*${name}`)).length, 1, log.lines.join("\n"))

          yield* Effect.promise(() => client.config("SET", ...unset))
          yield* eventually(stream.append(cast()))
          yield* eventually(Effect.sync(() => assert.strictEqual(log.like(/^INFO Redis takes votes again/).length, 1)))
          yield* eventually(Effect.map(up, (value) => assert.strictEqual(value, "1")))
          assert.strictEqual(yield* Effect.promise(() => client.dbsize()), keys)
        }).pipe(
          Effect.provide(Layer.mergeAll(layerStreamGauges("append"), Backlog.layer).pipe(Layer.provide(log.layer))),
          Effect.provide(layerServers({}, undefined, url))
        )
      }).pipe(Effect.scoped),
    30_000
  )

  it.live("is asked in the way that needs the user's right to append", () =>
    Effect.gen(function* () {
      const { url } = yield* ownRedis
      yield* Effect.gen(function* () {
        const { client } = yield* Redis
        const stream = yield* VoteStream
        yield* eventually(stream.append(cast()))
        yield* Effect.promise(() => client.call("ACL", "SETUSER", "default", "-xadd"))
        assert.match((yield* Effect.flip(stream.check("append"))).message, /can't run this command|no permissions/)
        assert.deepStrictEqual(yield* stream.check("count"), [])
      }).pipe(Effect.provide(layerServers({}, undefined, url)))
    }).pipe(Effect.scoped)
  )
})
