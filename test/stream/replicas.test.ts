import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Vote } from "../../src/domain/Vote.ts"
import { Backlog } from "../../src/stream/Backlog.ts"
import { isRefusal, Redis } from "../../src/stream/Redis.ts"
import type { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { withRedis } from "../chaos/group.ts"
import { collectLog } from "../support/collectLog.ts"
import { uniqueName } from "../support/names.ts"
import { follow, openGateTo, promote, type Replicable, startReplicable, urlOf } from "../support/redisPair.ts"
import { eventually, layerServers } from "../support/servers.ts"
import { cast } from "../support/votes.ts"
import { within } from "../support/within.ts"

const times = (count: number) => Array.from({ length: count }, (_, index) => index)

const waiting = (
  url: Parameters<typeof layerServers>[2],
  stream: string,
  settings: Partial<StreamSettings["Service"]> = {}
) => layerServers({ stream, appendReplicas: 1, ...settings }, undefined, url)

const append = (vote: Vote) => Effect.flatMap(VoteStream, (stream) => stream.append(vote))
const appendOnce = (vote: Vote, key: string) => Effect.flatMap(VoteStream, (stream) => stream.appendOnce(vote, key))
const findKey = (key: string) => Effect.flatMap(VoteStream, (stream) => stream.findKey("cats-or-dogs", undefined, key))
const checkAppend = Effect.flatMap(VoteStream, (stream) => stream.check("append"))

/** Returns the votes that a Redis has in a stream, in their order. */
const votesIn = ({ address }: Replicable, stream: string) =>
  Effect.promise(() =>
    withRedis(address, async (client) => (await client.xrange(stream, "-", "+")).map(([, fields]) => fields[3] ?? ""))
  )

/** Asserts that it fails soon, and returns how. */
const failsSoon = <A, E, R>(effect: Effect.Effect<A, E, R>) => within(5_000, Effect.flip(effect))

/** Asserts that the replica of a Redis has said that it has everything: a WAIT for what was written before would not wait. */
const expectLevel = ({ address }: Replicable) =>
  Effect.promise(async () => {
    const info = await withRedis(address, (client) => client.info("replication"))
    assert.strictEqual(/^slave0:.*offset=(\d+)/m.exec(info)?.[1], /^master_repl_offset:(\d+)/m.exec(info)?.[1])
  })

/** A Redis and a replica of it, that it reaches by a gate. */
const pair = Effect.gen(function* () {
  const [primary, replica] = yield* Effect.all([startReplicable, startReplicable], { concurrency: "unbounded" })
  const gate = yield* openGateTo(() => primary.port)
  yield* follow(replica, gate.port)
  return { primary, replica, gate, stream: uniqueName("votes") }
})

describe("with APPEND_REPLICAS", () => {
  it.live("no vote is taken, and the API is not ready, until there is a replica", () =>
    Effect.gen(function* () {
      const [primary, replica] = yield* Effect.all([startReplicable, startReplicable], { concurrency: "unbounded" })
      const [stream, log] = [uniqueName("votes"), collectLog()]
      yield* Effect.gen(function* () {
        yield* eventually(Effect.flatMap(Redis, ({ client }) => Effect.promise(() => client.ping())))
        const refusal = yield* eventually(
          Effect.map(Effect.flip(checkAppend), (error) => {
            assert.isTrue("part" in error && isRefusal(error))
            return error
          })
        )
        assert.include(String(refusal), "it has 0 of the 1 replicas that APPEND_REPLICAS asks for")
        yield* failsSoon(append(cast()))
        yield* eventually(Effect.sync(() => assert.lengthOf(log.like(/^WARN Can't take votes .*0 of the 1 repl/), 1)))

        yield* follow(replica, primary.port)
        yield* eventually(append(cast()))
        yield* eventually(Effect.map(checkAppend, (refusals) => assert.deepStrictEqual(refusals, [])))
        yield* eventually(Effect.sync(() => assert.lengthOf(log.like(/^INFO Redis takes votes again/), 1)))
      }).pipe(
        Effect.provide(Backlog.layer.pipe(Layer.provide(log.layer))),
        Effect.provide(waiting(primary.url, stream))
      )
    }).pipe(Effect.scoped)
  )

  it.live("a vote that was taken is at the replica", () =>
    Effect.gen(function* () {
      const { primary, replica, stream } = yield* pair
      yield* Effect.gen(function* () {
        yield* eventually(append(cast()))
        for (const vote of times(20).map(() => cast())) {
          yield* eventually(append(vote))
          assert.include(yield* votesIn(replica, stream), vote.voteId)
        }
      }).pipe(Effect.provide(waiting(primary.url, stream)))
    }).pipe(Effect.scoped)
  )

  it.live(
    "votes are refused while the replica hangs, even where Redis has forgotten its scripts, and taken again",
    () =>
      Effect.gen(function* () {
        const { primary, replica, stream } = yield* pair
        yield* Effect.gen(function* () {
          yield* eventually(append(cast()))
          yield* eventually(expectLevel(primary))
          yield* Effect.promise(() => withRedis(primary.address, (client) => client.script("FLUSH")))
          yield* replica.freeze
          const { message } = yield* failsSoon(append(cast()))
          assert.include(message, "0 of the 1 replicas that APPEND_REPLICAS asks for have it in time")
          const many = yield* Effect.forEach(times(500), () => Effect.result(append(cast())), {
            concurrency: "unbounded"
          })
          assert.deepStrictEqual([...new Set(many.map(({ _tag }) => _tag))], ["Failure"])
          assert.include(String(yield* eventually(Effect.flip(checkAppend))), "it has 0 of the 1 replicas")
          yield* replica.thaw
          yield* eventually(append(cast()))
        }).pipe(Effect.provide(waiting(primary.url, stream)))
      }).pipe(Effect.scoped)
  )

  it.live("the vote of a key is one entry, and is confirmed only once the replica has it", () =>
    Effect.gen(function* () {
      const { primary, replica, stream } = yield* pair
      const vote = cast()
      const expectUnconfirmed = Effect.gen(function* () {
        yield* failsSoon(appendOnce(cast(), "key"))
        yield* failsSoon(findKey("key"))
      })
      // Another process, whose connections have written nothing yet, and which knows the key from a former number of shards.
      const another = Effect.fnUntraced(function* (before: ReadonlyArray<string>) {
        yield* eventually(Effect.flatMap(Redis, ({ client }) => Effect.promise(() => client.ping())))
        yield* expectUnconfirmed
        yield* replica.thaw
        const found = yield* eventually(appendOnce(cast(), "key"))
        assert.strictEqual(found.voteId, vote.voteId)
        assert.deepStrictEqual(yield* eventually(findKey("key")), found)
        for (const server of [primary, replica]) {
          assert.deepStrictEqual(yield* votesIn(server, stream), [...before, vote.voteId])
        }
        assert.isUndefined(yield* findKey("another"))
      })
      yield* Effect.gen(function* () {
        yield* eventually(append(cast()))
        const before = yield* votesIn(primary, stream)
        yield* replica.freeze
        yield* failsSoon(appendOnce(vote, "key"))
        yield* expectUnconfirmed
        yield* another(before).pipe(Effect.provide(waiting(primary.url, stream, { shards: 2 })))
        assert.strictEqual((yield* eventually(appendOnce(cast(), "key"))).voteId, vote.voteId)
      }).pipe(Effect.provide(waiting(primary.url, stream)))
    }).pipe(Effect.scoped)
  )

  it.live("a record that is found is written again, and lives no longer for it", () =>
    Effect.gen(function* () {
      const { primary, stream } = yield* pair
      yield* Effect.gen(function* () {
        const { client } = yield* Redis
        yield* eventually(appendOnce(cast(), "key"))
        const [record = ""] = yield* Effect.promise(() => client.keys("*:key:*"))
        const ends = yield* Effect.promise(() => client.pexpiretime(record))
        const writes = Effect.promise(async () => {
          const stats = await client.info("commandstats")
          return Number(/^cmdstat_set:calls=(\d+)/m.exec(stats)?.[1])
        })
        for (const use of [appendOnce(cast(), "key"), findKey("key")]) {
          const before = yield* writes
          yield* eventually(use)
          assert.isAbove(yield* writes, before)
        }
        assert.strictEqual(yield* Effect.promise(() => client.pexpiretime(record)), ends)
      }).pipe(Effect.provide(waiting(primary.url, stream)))
    }).pipe(Effect.scoped)
  )

  it.live.each([1, 4])("votes that come together share one WAIT, spread over %d streams", (shards) =>
    Effect.gen(function* () {
      const { primary, stream } = yield* pair
      yield* Effect.gen(function* () {
        const { client } = yield* Redis
        yield* eventually(append(cast()))
        const together = Effect.gen(function* () {
          yield* Effect.promise(() => client.config("RESETSTAT"))
          yield* Effect.forEach(times(1_000), () => append(cast()), { concurrency: "unbounded" })
          const stats = yield* Effect.promise(() => client.info("commandstats"))
          const calls = (name: string) => Number(new RegExp(`^cmdstat_${name}:calls=(\\d+)`, "m").exec(stats)?.[1])
          assert.strictEqual(calls("xadd"), 1_000)
          assert.isAtMost(calls("wait"), 20)
        })
        yield* eventually(together)
      }).pipe(Effect.provide(waiting(primary.url, stream, { shards })))
    }).pipe(Effect.scoped)
  )

  it.live("no vote that was taken is missing once the replica has taken over, however far behind it was", () =>
    Effect.gen(function* () {
      const { gate, primary, replica, stream } = yield* pair
      let master: Replicable = primary
      const front = yield* openGateTo(() => master.port)
      const taken: Array<string> = []
      const vote = Effect.gen(function* () {
        const one = cast()
        yield* append(one)
        taken.push(one.voteId)
      })
      yield* Effect.gen(function* () {
        yield* eventually(vote)
        yield* Effect.forEach(times(200), () => eventually(vote), { concurrency: 20 })
        gate.silence()
        const keyed = cast()
        yield* failsSoon(appendOnce(keyed, "key"))
        yield* Effect.forEach(times(50), () => Effect.result(vote), { concurrency: "unbounded" })
        yield* primary.crash
        yield* promote(replica)
        master = replica
        yield* primary.start
        yield* follow(primary, replica.port)
        const again = yield* eventually(appendOnce(keyed, "key"))
        assert.strictEqual(again.voteId, keyed.voteId)
        yield* eventually(vote)
        taken.push(again.voteId)
        assert.lengthOf(taken, 203)
        for (const server of [replica, primary]) assert.includeMembers([...(yield* votesIn(server, stream))], taken)
      }).pipe(Effect.provide(waiting(urlOf(front), stream)))
    }).pipe(Effect.scoped)
  )
})
