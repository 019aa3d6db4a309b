import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Redis } from "ioredis"
import { makeFinishing } from "../../src/consumer/Finality.ts"
import { layerHousekeeping } from "../../src/consumer/Housekeeping.ts"
import { layerPool } from "../../src/consumer/Pool.ts"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import { encodeVote } from "../../src/stream/VoteEntry.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { withRedis } from "../chaos/group.ts"
import { collectLog } from "../support/collectLog.ts"
import { makeDatabase } from "../support/databases.ts"
import { uniqueName } from "../support/names.ts"
import { follow, openGateTo, promote, startReplicable, urlOf } from "../support/redisPair.ts"
import { eventually, layerServers, statuses } from "../support/servers.ts"
import { createPoll } from "../support/votes.ts"

const appendOnce = (key: string) =>
  Effect.flatMap(VoteStream, (stream) =>
    stream.appendOnce({ voteId: makeVoteId(), poll: "cats-or-dogs", choice: "cats", castAt: Date.now() }, key)
  )

const expectCounted = (votes: number) =>
  eventually(Effect.map(statuses, ({ counted = 0 }) => assert.strictEqual(counted, votes)))

describe("with APPEND_REPLICAS, a vote that only the primary has", () => {
  it.live.each(["comes to the replica after all", "is lost with the primary, and sent again"] as const)(
    "is not counted; nor twice, where it %s",
    (end) =>
      Effect.gen(function* () {
        const [primary, replica] = yield* Effect.all([startReplicable, startReplicable], { concurrency: "unbounded" })
        let written = primary.port
        const gate = yield* openGateTo(() => written)
        const [stream, log] = [uniqueName("votes"), collectLog()]
        // It is claimed again and again, and by readers and housekeeping.
        const settings = { stream, appendReplicas: 1, claimIdleMs: 100 }
        yield* follow(replica, primary.port)
        yield* Effect.gen(function* () {
          yield* eventually(appendOnce("first"))
          yield* expectCounted(1)
          yield* replica.freeze
          yield* Effect.flip(appendOnce("second"))
          const waits = /^WARN Can't read.* 0 of the 1 replicas that APPEND_REPLICAS asks for/
          yield* eventually(Effect.sync(() => assert.isNotEmpty(log.like(waits), log.lines.join("\n"))))
          const held = yield* Effect.promise(() =>
            withRedis(primary.address, (client) => client.xpending(stream, "vote-processors"))
          )
          assert.strictEqual(held[0], 1)
          const { check } = yield* VoteStream
          assert.match(String(yield* eventually(Effect.flip(check("count")))), /it has 0 of the 1 replicas/)
          yield* expectCounted(1)

          if (end === "comes to the replica after all") yield* replica.thaw
          else {
            yield* primary.crash
            yield* replica.thaw
            yield* promote(replica)
            written = replica.port
            yield* primary.start
            yield* follow(primary, replica.port)
          }
          yield* eventually(appendOnce("second"))
          yield* expectCounted(2)
          const { backlog } = yield* VoteStream
          yield* eventually(Effect.map(backlog, (waiting) => assert.strictEqual(waiting, 0)))
          assert.deepStrictEqual(yield* eventually(check("count")), [])
          yield* expectCounted(2)
        }).pipe(
          Effect.provide(Layer.mergeAll(layerPool, layerHousekeeping).pipe(Layer.provide(log.layer))),
          Effect.provide(layerServers(settings, yield* makeDatabase, urlOf(gate)))
        )
      }).pipe(Effect.scoped)
  )
})

describe("with APPEND_REPLICAS, a vote in a stream that is no longer appended to", () => {
  it.live("is counted once the replica has it", () =>
    Effect.gen(function* () {
      const [primary, replica] = yield* Effect.all([startReplicable, startReplicable], { concurrency: "unbounded" })
      const gate = yield* openGateTo(() => primary.port)
      yield* follow(replica, primary.port)
      const stream = uniqueName("votes")
      const ask = <A>(question: (client: Redis) => Promise<A>) =>
        Effect.promise(() => withRedis(primary.address, question))
      // It is there from the start: one that comes later is looked for now and then.
      yield* ask((client) => client.xgroup("CREATE", stream, "vote-processors", "0", "MKSTREAM"))
      yield* Effect.gen(function* () {
        yield* eventually(appendOnce("first"))
        yield* replica.freeze
        const vote = { voteId: makeVoteId(), poll: "cats-or-dogs", choice: "cats", castAt: Date.now() }
        yield* ask((client) => client.xadd(stream, "*", ...encodeVote(vote)))
        // It was read, waited for the replica in vain, and is claimed again and again.
        yield* eventually(
          Effect.gen(function* () {
            const [row] = yield* ask((client) => client.xpending(stream, "vote-processors", "-", "+", 1))
            assert.isAtLeast(Number((row as ReadonlyArray<unknown> | undefined)?.[3] ?? 0), 2)
          })
        )
        assert.deepStrictEqual(yield* statuses, {})
        yield* replica.thaw
        yield* expectCounted(1)
      }).pipe(
        Effect.provide(layerHousekeeping),
        Effect.provide(
          layerServers({ stream, appendReplicas: 1, claimIdleMs: 100, shards: 2 }, yield* makeDatabase, urlOf(gate))
        )
      )
    }).pipe(Effect.scoped)
  )
})

describe("with APPEND_REPLICAS, a result", () => {
  it.live("is final once the replica knows of the closing time, which holds when that takes over", () =>
    Effect.gen(function* () {
      const [primary, replica] = yield* Effect.all([startReplicable, startReplicable], { concurrency: "unbounded" })
      const gate = yield* openGateTo(() => primary.port)
      yield* follow(replica, primary.port)
      const stream = uniqueName("votes")
      yield* Effect.gen(function* () {
        const { finish } = yield* makeFinishing
        const acts = yield* PollActs
        const { closingTime } = yield* VoteStream
        yield* eventually(appendOnce("first"))
        yield* expectCounted(1)
        const poll = yield* createPoll()
        yield* replica.freeze
        const closesMs = yield* closingTime
        yield* acts.close(poll, Effect.succeed(closesMs))
        assert.match((yield* Effect.flip(finish)).message, /0 of the 1 replicas/)
        yield* replica.thaw
        assert.deepStrictEqual(yield* eventually(finish), [poll])
        yield* primary.crash
        yield* promote(replica)
        const refusal = yield* Effect.promise(() =>
          withRedis(replica.address, (client) =>
            client.xadd(stream, `${closesMs - 1}-0`, "v", "1").catch((error: Error) => error.message)
          )
        )
        assert.match(refusal ?? "", /equal or smaller/)
      }).pipe(
        Effect.provide(layerPool),
        Effect.provide(layerServers({ stream, appendReplicas: 1 }, yield* makeDatabase, urlOf(gate)))
      )
    }).pipe(Effect.scoped)
  )
})
