import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startLoad } from "../support/load.ts"
import { startApi, startConsumer } from "../support/processes.ts"
import { follow, openGateTo, promote, type Replicable, startReplicable, urlOf } from "../support/redisPair.ts"
import { get, vote } from "./call.ts"
import { expectCounted, makeSite, patiently, untilReady } from "./site.ts"

const tooFew = "it has 0 of the 1 replicas that APPEND_REPLICAS asks for"

describe("with APPEND_REPLICAS=1", () => {
  it.live("an API waits for a replica, and a vote that it took is counted though the primary is killed", () =>
    Effect.gen(function* () {
      const [primary, replica] = yield* Effect.all([startReplicable, startReplicable], { concurrency: "unbounded" })
      let master: Replicable = primary
      const gate = yield* openGateTo(() => master.port)
      const site = yield* makeSite({ redisUrl: urlOf(gate) })
      const env = { ...site.env, APPEND_REPLICAS: "1" }
      const { url } = yield* startApi("api", { env })
      yield* patiently(
        Effect.map(get(`${url}/ready`), ({ body, status }) => {
          assert.strictEqual(status, 503)
          assert.deepInclude(body, { status: "not ready", redis: "refusing", reason: tooFew })
        })
      )
      const { headers, status } = yield* vote(url, "cats", { "idempotency-key": "first" })
      assert.strictEqual(status, 503)
      assert.match(headers["retry-after"] ?? "", /^\d+$/)

      yield* follow(replica, primary.port)
      yield* untilReady(url)
      const load = yield* startLoad({ url: () => url, connections: 8, pace: 20 })
      yield* patiently(Effect.sync(() => assert.isAtLeast(load.receipts.length, 200)))
      yield* primary.crash
      yield* patiently(Effect.sync(() => assert.isAtLeast(load.outcomes["503"] ?? 0, 1)))
      yield* promote(replica)
      master = replica
      yield* primary.start
      yield* follow(primary, replica.port)
      yield* untilReady(url)
      const before = load.receipts.length
      yield* patiently(Effect.sync(() => assert.isAtLeast(load.receipts.length, before + 200)))
      yield* load.stop
      assert.hasAllKeys(load.outcomes, ["201", "503"])
      // Votes that were answered with 503 may be in the stream.
      const unknown = 1 + (load.outcomes["503"] ?? 0)
      yield* startConsumer({ env })
      assert.isAtMost((yield* expectCounted(site, load.receipts)) - load.receipts.length, unknown)
    }).pipe(Effect.scoped)
  )
})
