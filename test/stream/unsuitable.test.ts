import { connect, createServer } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { layerPool } from "../../src/consumer/Pool.ts"
import { whyUnsuitable } from "../../src/layers/RedisConnector.ts"
import { isRefusal, Redis } from "../../src/stream/Redis.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { withRedis } from "../chaos/group.ts"
import { ownRedis } from "../e2e/ownServer.ts"
import { collectLog } from "../support/collectLog.ts"
import { makeDatabase } from "../support/databases.ts"
import { eventually, layerServers } from "../support/servers.ts"
import { cast } from "../support/votes.ts"

/** Opens a way to a Redis on which that says it is of another version, as long as `version()` returns one. */
const disguised = Effect.fnUntraced(function* (url: string, version: () => string | undefined) {
  const { port } = new URL(url)
  const server = yield* Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const made = createServer((client) => {
        const redis = connect(Number(port), "127.0.0.1")
        client.pipe(redis)
        redis.on("data", (bytes: Buffer) => {
          const text = bytes.toString("latin1")
          const shown = version()
          client.write(
            shown === undefined
              ? bytes
              : Buffer.from(
                  // The answer says how long it is: what is gained in one place is cut in another.
                  text.replace(/redis_version:(\S+)/g, (all) => `redis_version:${shown}`.padEnd(all.length, "0")),
                  "latin1"
                )
          )
        })
        for (const [one, other] of [
          [client, redis],
          [redis, client]
        ] as const) {
          one.on("error", () => undefined).on("close", () => other.destroy())
        }
      })
      made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
    }),
    (made) => Effect.sync(() => made.close())
  )
  const address = server.address()
  const through = new URL(url)
  through.port = String(typeof address === "object" ? address?.port : 0)
  return Redacted.make(through.href)
})

/** Asserts that nothing is done with a Redis that can't be used, and that one line says why. */
const expectUnused = (url: string, why: RegExp, log: ReturnType<typeof collectLog>) =>
  Effect.gen(function* () {
    const stream = yield* VoteStream
    const { client } = yield* Redis
    // From the first vote on.
    yield* Effect.flip(stream.append(cast()))
    yield* eventually(Effect.sync(() => assert.match(client.unsuitable?.message ?? "", why)))
    for (let votes = 0; votes < 20; votes++) {
      yield* Effect.flip(stream.append(cast()))
      yield* Effect.sleep("50 millis")
    }
    const refusal = yield* Effect.flip(stream.check("append"))
    assert.match(refusal.message, why)
    assert.isTrue(isRefusal(refusal))
    assert.isTrue(isRefusal(yield* Effect.flip(stream.check("count"))))
    assert.lengthOf(log.like(/^ERROR Redis can't be used/), 1, log.lines.join("\n"))
    assert.match(log.like(/^ERROR/).join(), why)
    assert.strictEqual(yield* Effect.promise(() => withRedis(url, (direct) => direct.dbsize())), 0)
  })

const over = (url: Redacted.Redacted, log: ReturnType<typeof collectLog>) => {
  const servers = Layer.unwrap(Effect.map(makeDatabase, (database) => layerServers({}, database, url)))
  return layerPool.pipe(Layer.provideMerge(servers), Layer.provide(log.layer))
}

describe("a Redis that can't be used", () => {
  it.live.each(["6.2.14", "5.0.3", "4.0.14"])("is told with its version, and takes no vote: %s", (version) =>
    Effect.gen(function* () {
      const log = collectLog()
      const url = Redacted.value((yield* ownRedis).url)
      let shown: string | undefined = version
      const way = yield* disguised(url, () => shown)
      yield* Effect.gen(function* () {
        yield* expectUnused(url, new RegExp(`version is ${version.replaceAll(".", "\\.")}.*needs Redis 7\\.0`), log)
        // Once it was updated.
        shown = undefined
        yield* eventually(Effect.flatMap(VoteStream, (stream) => stream.append(cast())))
      }).pipe(Effect.provide(over(way, log)))
    }).pipe(Effect.scoped)
  )

  it.live("is one without the database of REDIS_URL, and votes don't go to database 0", () =>
    Effect.gen(function* () {
      const log = collectLog()
      const url = Redacted.value((yield* ownRedis).url)
      yield* expectUnused(url, /refuses database 99.*DB index is out of range/, log).pipe(
        Effect.provide(over(Redacted.make(`${url}/99`), log))
      )
    }).pipe(Effect.scoped)
  )

  it.effect("is not Valkey, nor one that does not say what it is", () =>
    Effect.sync(() => {
      const master = { role: "master" }
      assert.isUndefined(whyUnsuitable({ redis_version: "7.0.0", ...master }, false))
      assert.isUndefined(whyUnsuitable({ redis_version: "7.2.4", ...master }, false))
      assert.isUndefined(whyUnsuitable({ redis_version: "10.0.0", ...master }, false))
      assert.isUndefined(whyUnsuitable({ redis_version: "255.255.255", ...master }, false))
      assert.isUndefined(whyUnsuitable({}, false))
      assert.match(whyUnsuitable({ redis_version: "7.2.4", role: "slave" }, false) ?? "", /replica/)
      assert.isUndefined(whyUnsuitable({ redis_version: "7.2.4", role: "slave" }, true))
      assert.match(whyUnsuitable({ redis_version: "6.2.14", ...master }, true) ?? "", /6\.2\.14/)
    })
  )
})
