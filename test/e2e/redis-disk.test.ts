import { mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startRedis } from "../../src/embedded/RedisServer.ts"
import { dataFolder } from "../support/dataFolder.ts"
import { scrape } from "../support/metrics.ts"
import { startApi, startConsumer } from "../support/processes.ts"
import { get, vote } from "./call.ts"
import { own } from "./ownServer.ts"
import { expectCounted, makeSite, patiently, untilReady } from "./site.ts"

const up = (url: string) =>
  Effect.map(scrape(url), (metrics) => [...metrics].find(([name]) => /^tallykeep_server_up\{.*"redis"/.test(name))?.[1])

describe("with a Redis whose disk fails", () => {
  it.live("votes are refused with its reason, and taken and counted again once it can write, without a restart", () =>
    Effect.gen(function* () {
      const dataDir = yield* dataFolder
      const redis = yield* own(startRedis, dataDir)
      const site = yield* makeSite({ redisUrl: redis.url })
      const [api] = yield* Effect.all([startApi("api", site), startConsumer(site)], { concurrency: "unbounded" })
      const { url } = api
      yield* untilReady(url)
      const cast = Effect.map(vote(url, "cats"), ({ body, headers, status }) => ({
        status,
        headers,
        receipt: { voteId: `${body.vote_id}`, streamId: `${body.stream_id}` }
      }))
      const first = yield* cast
      assert.strictEqual(first.status, 201)

      // A snapshot is written, and can't be put in its place. Where snapshots are made, Redis takes no writes then.
      const snapshot = join(dataDir, "redis/dump.rdb")
      mkdirSync(join(snapshot, "in the way"), { recursive: true })
      yield* Effect.promise(() => site.redis.config("SET", "save", "3600 1000000"))
      yield* Effect.promise(() => site.redis.bgsave())
      const ready = yield* patiently(
        Effect.tap(get(`${url}/ready`), ({ status }) => Effect.sync(() => assert.strictEqual(status, 503)))
      )
      assert.deepInclude(ready.body, { status: "not ready", redis: "refusing", database: "connected" })
      assert.match(String(ready.body.reason), /MISCONF/)
      const refused = yield* cast
      assert.strictEqual(refused.status, 503)
      assert.match(refused.headers["retry-after"] ?? "", /^\d+$/)
      yield* patiently(Effect.map(up(url), (value) => assert.strictEqual(value, 0)))
      yield* api.says(/Can't take votes .*MISCONF/)

      rmSync(snapshot, { recursive: true })
      yield* Effect.promise(() => site.redis.bgsave())
      yield* untilReady(url)
      const second = yield* cast
      assert.strictEqual(second.status, 201)
      yield* patiently(Effect.map(up(url), (value) => assert.strictEqual(value, 1)))
      yield* api.says(/Redis takes votes again/)
      assert.lengthOf(api.stdout().match(/Can't take votes .*MISCONF/g) ?? [], 1)
      assert.strictEqual(yield* expectCounted(site, [first.receipt, second.receipt]), 2)
    }).pipe(Effect.scoped)
  )
})
