import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Redis as IoRedis } from "ioredis"
import { startRedis } from "../../src/embedded/RedisServer.ts"
import { layerRedis } from "../../src/layers/RedisClient.ts"
import { command, Redis } from "../../src/stream/Redis.ts"
import { own } from "../e2e/ownServer.ts"
import { collectLog } from "../support/collectLog.ts"
import { eventually } from "../support/servers.ts"

describe("a Redis that has no place for another connection", () => {
  it.live("is told as that, as is what there is no connection for, and used once it has a place", () =>
    Effect.gen(function* () {
      const server = yield* own((options) => startRedis({ ...options, more: ["maxclients 1"] }))
      const other = new IoRedis(Redacted.value(server.url), { retryStrategy: () => null })
      yield* Effect.promise(() => other.ping())
      const log = collectLog()
      yield* Effect.gen(function* () {
        const { client } = yield* Redis
        const ping = command(() => client.ping())
        // Redis says it, and may have closed the connection before that is read.
        yield* eventually(Effect.sync(() => assert.lengthOf(log.like(/maxclients|max number of clients/), 1)))
        assert.match((yield* Effect.flip(ping)).message, /: (There is no connection|The connection was lost)$/)
        other.disconnect()
        yield* eventually(ping)
      }).pipe(Effect.provide(layerRedis(server.url)), Effect.provide(log.layer))
    }).pipe(Effect.scoped)
  )
})
