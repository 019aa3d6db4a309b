import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { layerPool } from "../../src/consumer/Pool.ts"
import { withRedis } from "../chaos/group.ts"
import { ownRedis } from "../e2e/ownServer.ts"
import { collectLog } from "../support/collectLog.ts"
import { makeDatabase } from "../support/databases.ts"
import { eventually, layerServers } from "../support/servers.ts"

describe("a pool that stops while Redis has paused its clients, as during a failover", () => {
  it.live("lets Redis live, and says nothing of an outage", () =>
    Effect.gen(function* () {
      const { url } = yield* ownRedis
      const log = collectLog()
      const ask = (...[name, ...args]: readonly [string, ...ReadonlyArray<string>]) =>
        Effect.promise(() => withRedis(Redacted.value(url), (client) => client.call(name, ...args)))
      const run = Effect.map(ask("INFO", "server"), (info) => /run_id:(\w+)/.exec(String(info))?.[1])
      const before = yield* run
      /** Waits until a consumer's connection is in this state. */
      const until = (state: RegExp) =>
        eventually(Effect.map(ask("CLIENT", "LIST"), (list) => assert.match(String(list), state)))
      const servers = layerServers({ blockMs: 100, consumer: "paused" }, yield* makeDatabase, url)
      yield* Effect.gen(function* () {
        yield* until(/ name=paused-\d .* cmd=xreadgroup /)
        yield* ask("CLIENT", "PAUSE", "20000", "WRITE")
        // Longer than a read waits: this one was sent during the pause, and waits for its end.
        yield* until(/ name=paused-\d .* idle=[1-9].* flags=b .* cmd=xreadgroup /)
      }).pipe(Effect.provide(layerPool), Effect.provide(log.layer), Effect.provide(servers))
      assert.strictEqual(yield* run, before)
      assert.deepStrictEqual(log.like(/Can't read/), [])
    }).pipe(Effect.scoped)
  )
})
