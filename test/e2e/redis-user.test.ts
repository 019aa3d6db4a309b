import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { startRedis } from "../../src/embedded/RedisServer.ts"
import { withRedis } from "../chaos/group.ts"
import { launchProgram, startApi, startConsumer } from "../support/processes.ts"
import { get, vote } from "./call.ts"
import { own } from "./ownServer.ts"
import { expectCounted, makeSite, patiently, untilReady } from "./site.ts"

/** The rules of a user, as the documents have them. */
const documented = (stream: string): ReadonlyArray<string> => {
  const text = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8")
  const [, rules = ""] = /^ACL SETUSER tallykeep (.*)$/m.exec(text) ?? []
  return rules.replaceAll("votes", stream).split(" ")
}

describe("with a Redis whose user may do what the documents name, and no more", () => {
  it.live("votes are taken, counted and audited, and nothing is refused", () =>
    Effect.gen(function* () {
      const redis = yield* own(startRedis)
      const site = yield* makeSite({ redisUrl: redis.url })
      const admin = <A>(...command: readonly [string, ...ReadonlyArray<string>]) =>
        Effect.promise(() => withRedis(Redacted.value(redis.url), (client) => client.call(...command) as Promise<A>))
      yield* admin("ACL", "SETUSER", "tallykeep", ...documented(site.stream))
      const url = new URL(site.env.REDIS_URL)
      Object.assign(url, { username: "tallykeep", password: "password" })
      const env = { ...site.env, REDIS_URL: url.href }
      const [api] = yield* Effect.all([startApi("api", { env }), startConsumer({ env })], { concurrency: "unbounded" })
      yield* untilReady(api.url)
      assert.strictEqual((yield* get(`${api.url}/ready`)).body.durability, "fsync")
      const { body } = yield* vote(api.url, "cats", { "idempotency-key": "a-key" })
      const receipt = { voteId: `${body.vote_id}`, streamId: `${body.stream_id}` }
      assert.strictEqual(yield* expectCounted(site, [receipt]), 1)
      yield* patiently(Effect.map(get(`${api.url}/api/results`), ({ body }) => assert.strictEqual(body.total_votes, 1)))
      const audit = yield* launchProgram(["audit"], { env })
      assert.deepStrictEqual(yield* audit.ended, { code: 0, signal: null })
      assert.deepStrictEqual(yield* admin<ReadonlyArray<unknown>>("ACL", "LOG"), [])
    }).pipe(Effect.scoped)
  )
})
