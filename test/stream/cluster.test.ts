import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { makeFinishing } from "../../src/consumer/Finality.ts"
import { layerHousekeeping } from "../../src/consumer/Housekeeping.ts"
import { layerPool } from "../../src/consumer/Pool.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import { Announcements } from "../../src/stream/Announcements.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { Shards } from "../../src/stream/Shards.ts"
import { keySlot } from "../../src/stream/Slot.ts"
import type { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { type ClusterNode, moveSlot, RedisCluster } from "../support/cluster.ts"
import { eventually, layerServers, quiet, statuses } from "../support/servers.ts"
import { cast, createPoll } from "../support/votes.ts"

const times = (count: number) => Array.from({ length: count }, (_, index) => index)

/** Over the cluster, once all of its nodes are connected. */
const inCluster = <A, E, R>(body: Effect.Effect<A, E, R>, settings: Partial<StreamSettings["Service"]>) =>
  Effect.flatMap(RedisCluster, ({ url }) => {
    const ready = Effect.flatMap(VoteStream, ({ check }) =>
      eventually(Effect.map(check("append"), (away) => assert.deepStrictEqual(away, [])))
    )
    return Effect.andThen(ready, body).pipe(
      Effect.provide(layerServers(settings, undefined, url)),
      Effect.provide(quiet)
    )
  })

/** Appends votes with a key each, until each is accepted. */
const appendAll = (votes: number) =>
  Effect.flatMap(VoteStream, (stream) =>
    Effect.forEach(
      times(votes),
      (index) =>
        Effect.retry(
          Effect.suspend(() => stream.appendOnce(cast(), `key-${index}`)),
          Schedule.spaced("10 millis")
        ),
      { concurrency: 20 }
    )
  )

const expectCounted = (votes: number) =>
  eventually(
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(yield* statuses, { counted: votes })
      assert.deepStrictEqual(yield* sql`select * from duplicate_entry`, [])
      const { backlog } = yield* VoteStream
      assert.strictEqual(yield* backlog, 0)
    })
  )

layer(RedisCluster.layer, { excludeTestServices: true })("in a Redis Cluster", (it) => {
  it.effect("a solution of a challenge is spent once, at whichever node its record is", () =>
    inCluster(
      Effect.gen(function* () {
        const stream = yield* VoteStream
        const remember = 10_000
        for (const index of times(50)) {
          const solution = `solution ${index}`
          assert.isTrue(yield* stream.spend({ solution, vote: "one", remember }))
          assert.isTrue(yield* stream.spend({ solution, vote: "one", remember }))
          assert.isFalse(yield* stream.spend({ solution, vote: "other", remember }))
        }
      }),
      { shards: 3 }
    )
  )

  it.effect("a key has the slot that Redis says", () =>
    Effect.gen(function* () {
      const { nodes } = yield* RedisCluster
      const keys = [
        "",
        "{",
        "{}",
        "a{}b{c}",
        "{a}{b}",
        "votes:{12}:key:x{y}",
        "\u00e4\u{1f5f3}",
        "a}b{c",
        ...times(50).map(String)
      ]
      for (const key of keys) {
        assert.strictEqual(
          keySlot(key),
          yield* Effect.promise(async () => nodes[0]?.redis.cluster("KEYSLOT", key)),
          key
        )
      }
    })
  )

  it.effect("one stream alone works too, with its keys at the same node", () =>
    inCluster(
      Effect.gen(function* () {
        const stream = yield* VoteStream
        const redis = yield* Redis
        const { current } = yield* Shards
        assert.isTrue(redis.clustered)
        assert.match(current[0]?.stream ?? "", /^votes_\w+$/)
        const [first] = yield* appendAll(300)
        assert.deepStrictEqual(yield* stream.appendOnce(cast(), "key-0"), first)
        const last = cast()
        assert.strictEqual(yield* stream.find(last.voteId, yield* stream.append(last)), "cats-or-dogs")
        assert.isAtMost(Math.abs((yield* stream.closingTime) - Date.now()), 5_000)
        assert.deepInclude(yield* stream.keeping, { durability: "fsync", evicts: false })
        yield* expectCounted(301).pipe(Effect.provide(layerPool), Effect.provide(layerHousekeeping))
      }),
      { shards: 1 }
    )
  )

  it.effect("a shard is followed to the node that it is moved to, and no vote is lost or counted twice", () =>
    inCluster(
      Effect.gen(function* () {
        const cluster = yield* RedisCluster
        const { current } = yield* Shards
        const moving = current[1]?.stream ?? ""
        const from = cluster.nodeOf(moving)
        const to = cluster.nodes.find((node) => node !== from) ?? assert.fail()
        yield* Effect.gen(function* () {
          yield* appendAll(500)
          const appending = yield* Effect.forkChild(appendAll(4_000))
          yield* moveSlot(cluster.nodes, from, to, keySlot(moving))
          const taken = yield* Fiber.join(appending)
          assert.strictEqual(new Set(taken.map(({ voteId }) => voteId)).size, 4_000)
          assert.isAbove(yield* Effect.promise(() => to.redis.xlen(moving)), 0)
          yield* expectCounted(4_000)
        }).pipe(Effect.provide(layerPool))
      }),
      { shards: 4, blockMs: 60_000 }
    )
  )

  it.effect("announcements are heard by way of another node once their own has died", () =>
    inCluster(
      Effect.gen(function* () {
        const { nodes } = yield* RedisCluster
        const announcements = yield* Announcements
        const heard: Array<string | undefined> = []
        yield* announcements.listen("tally", (poll) => void heard.push(poll))
        const expectHeard = (poll: string) =>
          eventually(Effect.map(announcements.announce("tally", poll), () => assert.include(heard, poll)))
        yield* expectHeard("first")
        const lists = yield* Effect.forEach(nodes, ({ redis }) => Effect.promise(() => redis.client("LIST")))
        const own = nodes[lists.findIndex((list) => / name=announcements /.test(String(list)))] ?? assert.fail()
        yield* own.crash
        yield* expectHeard("second")
        yield* own.start
      }),
      { shards: 4 }
    ).pipe(Effect.scoped)
  )

  it.effect("a poll counts while a node is away, also where no votes come to it, and is final once it is back", () =>
    inCluster(
      Effect.gen(function* () {
        const { nodes } = yield* RedisCluster
        const { current } = yield* Shards
        const { finish } = yield* makeFinishing
        const acts = yield* PollActs
        const { closingTime } = yield* VoteStream
        yield* appendAll(60)
        yield* Effect.provide(expectCounted(60), layerPool)
        // A slot may have moved since the cluster was made.
        const used = new Set(current.map(({ client }) => client.options.port))
        const isUsed = ({ redis }: ClusterNode) => used.has(redis.options.port)
        for (const node of [nodes.find(isUsed), nodes.find((each) => !isUsed(each))]) {
          if (node === undefined) throw new Error("There are three nodes, and two shards")
          const poll = yield* createPoll()
          yield* acts.close(poll, closingTime)
          yield* node.crash
          yield* Effect.flip(finish)
          yield* node.start
          assert.deepStrictEqual(yield* eventually(finish), [poll])
        }
      }),
      { shards: 2 }
    )
  )
})
