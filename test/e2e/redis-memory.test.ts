import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startLoad } from "../support/load.ts"
import { startApi, startConsumer } from "../support/processes.ts"
import { vote } from "./call.ts"
import { ownRedis } from "./ownServer.ts"
import { expectCounted, makeSite, patiently, untilReady } from "./site.ts"

describe("with a Redis whose memory is full", () => {
  it.live("votes are refused, the consumers relieve it, and votes are taken again", () =>
    Effect.gen(function* () {
      const redis = yield* ownRedis
      const site = yield* makeSite({ redisUrl: redis.url })
      const { url } = yield* startApi("api", { env: site.env })
      yield* untilReady(url)
      const used = yield* Effect.promise(async () =>
        Number(/^used_memory:(\d+)/m.exec(await site.redis.info("memory"))?.[1])
      )
      yield* Effect.promise(() => site.redis.config("SET", "maxmemory", String(used + 2 ** 20)))
      const load = yield* startLoad({ url: () => url, connections: 64 })
      yield* patiently(Effect.sync(() => assert.isAbove(load.outcomes["503"] ?? 0, 10)))
      // Right at the limit, a vote may still be taken when something else frees memory for a moment.
      let taken = 0
      const refused = Effect.gen(function* () {
        const { headers, status } = yield* vote(url, "cats")
        if (status === 201) taken++
        assert.strictEqual(status, 503)
        return headers
      })
      assert.match((yield* patiently(refused))["retry-after"] ?? "", /^\d+$/)

      // The consumer makes its group, counts and trims in a Redis that accepts nothing more.
      yield* startConsumer({ env: site.env })
      const before = load.receipts.length
      yield* patiently(Effect.sync(() => assert.isAbove(load.receipts.length, before + 1_000)))
      yield* load.stop
      assert.hasAllKeys(load.outcomes, ["201", "503"])
      assert.strictEqual(yield* expectCounted(site, load.receipts), load.receipts.length + taken)
    })
  )
})
