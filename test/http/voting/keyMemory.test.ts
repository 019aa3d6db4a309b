import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { keyMemoryHash, keyRecord } from "../../../src/stream/KeyRecords.ts"
import { Shards } from "../../../src/stream/Shards.ts"
import { VoteStream } from "../../../src/stream/VoteStream.ts"
import { assertProblem, publicFolder, request, vote } from "../../support/api.ts"
import { parseMetrics } from "../../support/metrics.ts"
import { layerUncounted } from "../../support/pollsApi.ts"
import { eventually } from "../../support/servers.ts"

const cats = '{"option":"cats"}'

/** Votes with a key, through the lane; or through the app, which takes what comes in chunks. */
const ways = {
  lane: (key: string, body = cats) => vote(body, { "idempotency-key": key }),
  app: (key: string, body = cats) => vote(body, { "idempotency-key": key, "transfer-encoding": "chunked" })
}

/** In bytes: two records of votes for cats hold more than this, three less than twice as much. */
const share = 400

layer(layerUncounted({}, publicFolder, { idempotencyTtl: 86_400_000, idempotencyMemory: share }), {
  excludeTestServices: true
})("the memory of idempotency keys", (it) => {
  it.effect("makes new records live 15 minutes, then refuses new keys and nothing else, until it is free again", () =>
    Effect.gen(function* () {
      const { keyMemory } = yield* VoteStream
      const [shard = assert.fail()] = (yield* Shards).current
      const lifeOf = (key: string) =>
        Effect.promise(() => shard.client.pttl(keyRecord(shard, { poll: "cats-or-dogs", key })))
      const until = (holds: () => boolean) => eventually(Effect.sync(() => assert.isTrue(holds())))

      const first = yield* ways.lane("k1")
      assert.strictEqual(first.status, 201)
      assert.isAbove(yield* lifeOf("k1"), 86_000_000)
      yield* ways.app("k2")
      yield* until(() => keyMemory.bytes() >= share)
      assert.isFalse(keyMemory.isFull())

      assert.strictEqual((yield* ways.lane("k3")).status, 201)
      assert.strictEqual((yield* ways.app("k4")).status, 201)
      for (const key of ["k3", "k4"]) assert.isAtMost(yield* lifeOf(key), 900_000)
      yield* until(keyMemory.isFull)

      for (const send of Object.values(ways)) {
        const refused = yield* send("k5")
        assert.match(String(assertProblem(refused, 503).detail), /new Idempotency-Key .*try again later/)
        assert.match(refused.headers["retry-after"] ?? "", /^\d+$/)
        assert.strictEqual(yield* lifeOf("k5"), -2)
        const again = yield* send("k1")
        assert.deepStrictEqual([again.status, again.body], [201, first.body])
        assertProblem(yield* send("k1", '{"option":"dogs"}'), 422)
      }
      assert.strictEqual((yield* vote()).status, 201)
      const metrics = parseMetrics((yield* request("GET", "/metrics")).body)
      assert.strictEqual(metrics.get('tallykeep_refusals_total{reason="keys"}'), 2)
      assert.strictEqual(metrics.get("tallykeep_idempotency_limit_bytes"), share)
      assert.strictEqual(metrics.get("tallykeep_idempotency_bytes"), keyMemory.bytes())

      // As if their time had come.
      yield* Effect.promise(() => shard.client.del(keyMemoryHash(shard)))
      yield* until(() => !keyMemory.isFull())
      assert.strictEqual((yield* ways.lane("k5")).status, 201)
      assert.isAbove(yield* lifeOf("k5"), 86_000_000)
    })
  )
})
