import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import { Shards } from "../../src/stream/Shards.ts"
import { keySlot } from "../../src/stream/Slot.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { addReplicas, moveSlot, RedisCluster } from "../support/cluster.ts"
import { eventually, layerServers, quiet } from "../support/servers.ts"
import { cast } from "../support/votes.ts"

/** Appends votes with a key each, until each is accepted; returns their streams' ids. */
const appendAll = (votes: number) =>
  Effect.flatMap(VoteStream, (stream) =>
    Effect.forEach(
      Array.from({ length: votes }, (_, index) => `key-${index}`),
      (key) =>
        Effect.retry(
          Effect.suspend(() => stream.appendOnce(cast(), key)),
          Schedule.spaced("10 millis")
        ),
      { concurrency: 20 }
    )
  )

describe("with APPEND_REPLICAS, in a Redis Cluster", () => {
  it.live("votes wait for a replica of the node that has their shard, wherever it moves", () =>
    Effect.gen(function* () {
      const { nodeOf, nodes, url } = yield* RedisCluster
      yield* Effect.gen(function* () {
        const { check } = yield* VoteStream
        const { current } = yield* Shards
        yield* eventually(
          Effect.map(Effect.flip(check("append")), ({ message }) =>
            assert.include(message, "it has 0 of the 1 replicas that APPEND_REPLICAS asks for")
          )
        )
        const replicas = yield* addReplicas(nodes)
        yield* eventually(Effect.map(check("append"), (refusals) => assert.deepStrictEqual(refusals, [])))
        const expectAtReplicas = Effect.fnUntraced(function* (votes: number, moved?: string) {
          const lengths = yield* Effect.forEach(current, ({ stream }) => {
            const master = nodes.indexOf(stream === moved ? to : nodeOf(stream))
            return Effect.promise(async () => (await replicas[master]?.redis.xlen(stream)) ?? 0)
          })
          assert.strictEqual(
            lengths.reduce((sum, length) => sum + length),
            votes
          )
        })
        const moving = current[1]?.stream ?? ""
        const from = nodeOf(moving)
        const to = nodes.find((node) => node !== from) ?? assert.fail()

        yield* appendAll(200)
        yield* expectAtReplicas(200)
        const appending = yield* Effect.forkChild(appendAll(2_000))
        yield* moveSlot(nodes, from, to, keySlot(moving))
        const taken = yield* Fiber.join(appending)
        assert.strictEqual(new Set(taken.map(({ voteId }) => voteId)).size, 2_000)
        yield* expectAtReplicas(2_000, moving)
      }).pipe(Effect.provide(layerServers({ shards: 4, appendReplicas: 1 }, undefined, url)), Effect.provide(quiet))
    }).pipe(Effect.provide(RedisCluster.layer))
  )
})
