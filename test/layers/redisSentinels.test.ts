import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { layerPool } from "../../src/consumer/Pool.ts"
import { freePort } from "../../src/embedded/ServerProcess.ts"
import { layerRedis } from "../../src/layers/RedisClient.ts"
import { Backlog } from "../../src/stream/Backlog.ts"
import { command, Redis, serverOf } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { withRedis } from "../chaos/group.ts"
import { collectLog } from "../support/collectLog.ts"
import { makeDatabase } from "../support/databases.ts"
import { cast, expectCounted, expectHeard, votesWithin5s } from "../support/following.ts"
import { sentinelSetup, startSentinel } from "../support/sentinels.ts"
import { eventually, layerServers, quiet } from "../support/servers.ts"
import { within } from "../support/within.ts"

/** Asserts that within 5 s all connections have come to a server: those for votes, for reads that block, and for listening. */
const expectAllAt = Effect.fnUntraced(function* (url: string) {
  yield* within(
    5_000,
    eventually(
      Effect.promise(async () => {
        const list = String(await withRedis(url, (client) => client.client("LIST")))
        for (const name of ["tallykeep", "announcements", "test-1", "test-2"])
          assert.match(list, new RegExp(`name=${name} `))
      })
    )
  )
})

describe("sentinels", () => {
  it.live.each(["crash", "SENTINEL FAILOVER"] as const)(
    "lead every connection to the new master within 5 s (%s), though one hangs and one is away",
    (how) =>
      Effect.gen(function* () {
        const { failover, master, named, replica, sentinels, urlOf } = yield* sentinelSetup
        const [hanging, ...others] = sentinels
        yield* hanging?.signal("SIGSTOP") ?? Effect.void
        const url = urlOf(hanging?.port ?? 0, yield* freePort, ...others.map(({ port }) => port))
        const log = collectLog()
        yield* Effect.gen(function* () {
          yield* eventually(expectHeard)
          yield* Effect.flatMap(VoteStream, (stream) => eventually(stream.append(cast())))
          yield* expectCounted(1)
          yield* expectAllAt(master.url)
          yield* how === "crash" ? master.crash : eventually(failover)
          yield* named(replica.port)
          yield* expectAllAt(replica.url)
          yield* votesWithin5s
          yield* expectHeard
          yield* expectCounted(2)
          assert.isAtLeast(log.like(/the master is 127\.0\.0\.1:\d+ by now/).length, 1, log.lines.join("\n"))
          assert.deepStrictEqual(log.like(/ALARM/), [])
        }).pipe(
          Effect.provide(Layer.mergeAll(layerPool, Backlog.layer).pipe(Layer.provide(log.layer))),
          Effect.provide(layerServers({ blockMs: 60_000 }, yield* makeDatabase, url).pipe(Layer.provide(log.layer)))
        )
        yield* hanging?.signal("SIGCONT") ?? Effect.void
      }).pipe(Effect.scoped)
  )

  it.live("lose no vote where the old master takes none meanwhile, as the documents advise", () =>
    Effect.gen(function* () {
      const { failover, master, replica, sentinels, urlOf } = yield* sentinelSetup
      const url = urlOf(...sentinels.map(({ port }) => port))
      yield* Effect.gen(function* () {
        const stream = yield* VoteStream
        const { client } = yield* Redis
        const { stream: name } = yield* StreamSettings
        const vote = Effect.suspend(() => stream.append(cast()))
        yield* eventually(vote)
        yield* Effect.promise(() => withRedis(master.url, (redis) => redis.call("CLIENT", "PAUSE", "20000", "WRITE")))
        yield* eventually(failover)
        let taken = 1
        yield* eventually(
          Effect.gen(function* () {
            yield* vote
            taken++
            assert.strictEqual(serverOf(client)["server.port"], replica.port)
          })
        )
        assert.isAtLeast(yield* command(() => client.xlen(name)), taken)
      }).pipe(Effect.provide(layerServers({}, yield* makeDatabase, url)))
    }).pipe(Effect.scoped)
  )

  it.live("are said to be away, or not to know the master, once, and are asked again", () =>
    Effect.gen(function* () {
      const log = collectLog()
      const { sentinels, urlOf } = yield* sentinelSetup
      const [first] = sentinels
      const one = urlOf(first?.port ?? 0)
      const unknown = Redacted.make(Redacted.value(one).replace("/mymaster/", "/another/"))
      const wrong = Redacted.make(Redacted.value(one).replace(/sentinel_password=.*/, "sentinel_password=hunter2"))
      const away = urlOf(yield* freePort)
      for (const [url, why] of [
        [
          unknown,
          /^WARN Redis \(tallykeep\): No sentinel says where the master is: 127\.0\.0\.1:\d+: knows no master another$/
        ],
        [wrong, /No sentinel says where the master is: 127\.0\.0\.1:\d+: WRONGPASS/],
        [away, /No sentinel says where the master is: 127\.0\.0\.1:\d+: connect ECONNREFUSED/]
      ] as const) {
        log.lines.length = 0
        yield* Effect.gen(function* () {
          const { client } = yield* Redis
          yield* eventually(Effect.sync(() => assert.lengthOf(log.lines, 1)))
          yield* Effect.sleep("300 millis")
          assert.match(String(yield* Effect.flip(command(() => client.ping()))), /./)
          assert.lengthOf(log.lines, 1)
          assert.match(log.lines.join("\n"), why)
          assert.notInclude(log.lines.join("\n"), "hunter2")
        }).pipe(Effect.provide(layerRedis(url).pipe(Layer.provide(log.layer))))
      }
    }).pipe(Effect.scoped)
  )

  it.live("are asked one after the other, those last that name a server which is away", () =>
    Effect.gen(function* () {
      const { sentinels, urlOf } = yield* sentinelSetup
      const ports = sentinels.map(({ port }) => port)
      // It is alone, so it can't make another one the master.
      const alone = yield* startSentinel({ port: yield* freePort, quorum: 2, password: "any" })
      const { client } = Context.get(yield* Layer.build(layerRedis(urlOf(alone.port, ...ports))), Redis)
      assert.strictEqual(yield* eventually(command(() => client.ping())), "PONG")
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )
})
