import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startLoad } from "../support/load.ts"
import { startApi, startConsumer } from "../support/processes.ts"
import { within } from "../support/within.ts"
import { vote } from "./call.ts"
import { ownRedis } from "./ownServer.ts"
import { expectCounted, makeSite, patiently, untilReady } from "./site.ts"

/** Asserts that a vote is refused soon: the client is not left waiting. */
const expectRefused = Effect.fnUntraced(function* (url: string) {
  const { body, headers, status } = yield* within(1_500, vote(url, "cats"))
  assert.deepInclude(body, { status: 503, detail: "Voting service temporarily unavailable" })
  assert.strictEqual(status, 503)
  assert.match(headers["retry-after"] ?? "", /^\d+$/)
})

const bothRoles = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const [api] = yield* Effect.all([startApi("api", { env }), startConsumer({ env })], { concurrency: "unbounded" })
  return api.url
})

describe("without Redis", () => {
  it.live.each([{ outage: "crash" as const }, { outage: "freeze" as const }])(
    "votes are refused at once, and taken and counted again when it is back (after a $outage)",
    ({ outage }) =>
      Effect.gen(function* () {
        const redis = yield* ownRedis
        const site = yield* makeSite({ redisUrl: redis.url })
        const url = yield* bothRoles(site.env)
        yield* untilReady(url)
        const load = yield* startLoad({ url: () => url, connections: 8, pace: 20 })
        yield* patiently(Effect.sync(() => assert.isAtLeast(load.receipts.length, 100)))

        yield* redis[outage]
        yield* expectRefused(url)
        yield* untilReady(url, { redis: true })
        yield* patiently(Effect.sync(() => assert.isAtLeast(load.outcomes["503"] ?? 0, 1)))

        yield* outage === "crash" ? redis.start : redis.thaw
        yield* untilReady(url)
        const before = load.receipts.length
        yield* patiently(Effect.sync(() => assert.isAtLeast(load.receipts.length, before + 100)))
        yield* load.stop
        assert.hasAllKeys(load.outcomes, ["201", "503"])
        // A vote that was answered with 503 may be in the stream.
        const unknown = load.outcomes["503"] ?? 0
        assert.isAtMost((yield* expectCounted(site, load.receipts)) - load.receipts.length, unknown + 1)
      })
  )

  it.live("an API and a consumer start, say what is missing, and work as soon as it is there", () =>
    Effect.gen(function* () {
      const redis = yield* ownRedis
      const site = yield* makeSite({ redisUrl: redis.url })
      yield* redis.crash
      const url = yield* bothRoles(site.env)
      yield* untilReady(url, { redis: true })
      yield* expectRefused(url)
      yield* redis.start
      yield* untilReady(url)
      const load = yield* startLoad({ url: () => url, connections: 4, votes: 100 })
      yield* load.done
      assert.deepStrictEqual(load.outcomes, { "201": 100 })
      assert.strictEqual(yield* expectCounted(site, load.receipts), 100)
    })
  )

  it.live("clients that try again with their Idempotency-Key get each vote counted once", () =>
    Effect.gen(function* () {
      const redis = yield* ownRedis
      const site = yield* makeSite({ redisUrl: redis.url })
      const url = yield* bothRoles(site.env)
      yield* untilReady(url)
      const load = yield* startLoad({ url: () => url, connections: 16, votes: 2_000, retry: true })
      for (const votes of [200, 600, 1_000]) {
        yield* patiently(Effect.sync(() => assert.isAtLeast(load.receipts.length, votes)))
        yield* redis.crash
        yield* redis.start
      }
      yield* load.done
      assert.strictEqual(load.receipts.length, 2_000)
      assert.strictEqual(yield* expectCounted(site, load.receipts), 2_000)
    })
  )
})
