import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { entryMs, type Vote } from "../../src/domain/Vote.ts"
import { command, Redis } from "../../src/stream/Redis.ts"
import { Shards } from "../../src/stream/Shards.ts"
import { isShut, shutHash } from "../../src/stream/ShutPolls.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { cast } from "../support/following.ts"
import { eventually, layerServers } from "../support/servers.ts"

const hour = 3_600_000
const inPoll = (poll: string): Vote => ({ ...cast(), poll })

/** Says which of these polls the stream takes a vote in, of votes that come at once, by the first version of each or this one. */
const taken = (...polls: ReadonlyArray<string | readonly [poll: string, version: number]>) =>
  Effect.flatMap(VoteStream, (stream) =>
    Effect.forEach(
      polls,
      (each) => {
        const [poll, version] = typeof each === "string" ? [each] : each
        return stream.append(inPoll(poll), version).pipe(
          Effect.as(true),
          Effect.catchIf(isShut, () => Effect.succeed(false))
        )
      },
      { concurrency: "unbounded" }
    )
  )

/** What the shards remember of polls that are shut, and for how long. */
const remembered = Effect.gen(function* () {
  const { client } = yield* Redis
  const { current } = yield* Shards
  return yield* Effect.forEach(current, (shard) =>
    Effect.all([command(() => client.hkeys(shutHash(shard))), command(() => client.pttl(shutHash(shard)))])
  )
})

const withShards = (shards: number) => Effect.provide(Shards.layer.pipe(Layer.provideMerge(layerServers({ shards }))))

describe("VoteStream.shutPoll", () => {
  it.live("keeps a poll's votes out from its time on, in all shards, and no other's", () =>
    Effect.gen(function* () {
      const { now, shutPoll } = yield* VoteStream
      yield* shutPoll("later", 2, now() + hour / 2)
      yield* shutPoll("now", 2, now() - 1)
      const votes = Array.from({ length: 12 }, (_, index) => ["now", "later", "never"][index % 3] ?? "")
      assert.deepStrictEqual(
        yield* taken(...votes),
        votes.map((poll) => poll !== "now")
      )
      for (const [polls, left] of yield* remembered) {
        assert.sameMembers(polls, ["later", "now"])
        assert.closeTo(left, 1.5 * hour, hour / 10)
      }
      // Those that go by what it is by then are taken, and do not come in with one that goes by what it was.
      assert.deepStrictEqual(yield* taken(["now", 2], ["now", 3]), [true, true])
      assert.deepStrictEqual(yield* taken("now", ["now", 1]), [false, false])
    }).pipe(withShards(3))
  )

  it.live("returns from when on, which is after all votes that may have come in", () =>
    Effect.gen(function* () {
      const { append, now, shutPoll, states } = yield* VoteStream
      const { client } = yield* Redis
      const later = now() + hour / 2
      assert.strictEqual(yield* shutPoll("p", 2, later), later)
      const votes = yield* Effect.forEach(Array.from({ length: 12 }), () => append(inPoll("p")))
      const from = yield* shutPoll("p", 2, now() - hour / 2)
      assert.isAbove(from, Math.max(...votes.map(entryMs)))
      assert.deepStrictEqual(yield* taken("p"), [false])
      // Also where ids are ahead of the clock, and the time that all goes by.
      yield* states
      const [shard] = (yield* Shards).current
      const ahead = Date.now() + hour / 2
      yield* command(() => client.xadd(shard?.stream ?? "", `${ahead}-0`, "v", "1"))
      assert.strictEqual(yield* shutPoll("q", 2, ahead), ahead + 1)
      assert.isAtLeast(now(), ahead + 1)
    }).pipe(withShards(3))
  )

  it.live("does so for its time, and forgets what is over and what is too far ahead", () =>
    Effect.gen(function* () {
      const { now, shutPoll } = yield* VoteStream
      yield* shutPoll("brief", 2, now(), 300)
      yield* shutPoll("far", 2, now() + 2 * hour)
      assert.deepStrictEqual(
        (yield* remembered).map(([polls]) => polls),
        [["brief"]]
      )
      yield* shutPoll("long", 2, now() - 1)
      yield* eventually(Effect.map(taken("brief"), (each) => assert.deepStrictEqual(each, [true])))
      yield* shutPoll("long", 2, now() - 1)
      assert.deepStrictEqual(
        (yield* remembered).map(([polls]) => polls),
        [["long"]]
      )
      assert.deepStrictEqual(yield* taken("long"), [false])
    }).pipe(withShards(1))
  )

  it.live("does so at once where the stream's ids have come to that time, though the clock has not", () =>
    Effect.gen(function* () {
      const { closingTime, shutPoll } = yield* VoteStream
      const { client } = yield* Redis
      const [shard] = (yield* Shards).current
      yield* command(() => client.xadd(shard?.stream ?? "", `${Date.now() + hour / 2}-0`, "v", "1"))
      yield* shutPoll("p", 2, yield* closingTime)
      assert.deepStrictEqual(yield* taken("p", "q"), [false, true])
    }).pipe(withShards(1))
  )

  it.live("leaves a vote its answer that is sent again with its key", () =>
    Effect.gen(function* () {
      const { appendOnce, now, shutPoll } = yield* VoteStream
      const first = yield* appendOnce(inPoll("p"), "key")
      yield* shutPoll("p", 2, now() - 1)
      assert.deepStrictEqual(yield* appendOnce(inPoll("p"), "key"), first)
      assert.isTrue(isShut(yield* Effect.flip(appendOnce(inPoll("p"), "another"))))
    }).pipe(withShards(1))
  )

  it.live("of several versions, keeps out what each of them does, until it is told which one there is", () =>
    Effect.gen(function* () {
      const { now, shutPoll, unshutPoll } = yield* VoteStream
      const versions = [1, 2, 3, 4].map((version) => ["p", version] as const)
      yield* shutPoll("p", 3, now() - 1)
      yield* shutPoll("p", 4, now() + hour / 2)
      // A later one that is not there yet does not take back what an earlier one is refused.
      assert.deepStrictEqual(yield* taken(...versions.toReversed()), [false, false, false, false])
      for (const each of versions) assert.deepStrictEqual(yield* taken(each), [each[1] === 4])
      // What is said later may be of a version that is about to be.
      yield* unshutPoll("p", 3, now() - hour)
      assert.deepStrictEqual(yield* taken(["p", 3]), [false])
      yield* unshutPoll("p", 3, now() + hour)
      for (const each of versions) assert.deepStrictEqual(yield* taken(each), [each[1] >= 3])
      // There is a later one than that.
      yield* unshutPoll("p", 4, now() + hour)
      assert.deepStrictEqual(yield* taken(["p", 2]), [false])
      yield* unshutPoll("nothing", 2, now() + hour)
      assert.deepStrictEqual(yield* taken("nothing"), [true])
    }).pipe(withShards(1))
  )

  it.live("goes by what processes have said that do not tell versions, until it is told which one there is", () =>
    Effect.gen(function* () {
      const { shutPoll, unshutPoll } = yield* VoteStream
      const { client } = yield* Redis
      const [shard] = (yield* Shards).current
      const said = (until: number) =>
        shard === undefined ? Effect.void : command(() => client.hset(shutHash(shard), "p", `0 ${until}`))
      yield* said(Date.now() + hour)
      assert.deepStrictEqual(yield* taken(["p", 9]), [false])
      yield* shutPoll("p", 10, Date.now() - 1)
      assert.deepStrictEqual(yield* taken(["p", 10]), [false])
      yield* unshutPoll("p", 9, Date.now() + hour)
      assert.deepStrictEqual(yield* taken(["p", 8]), [false])
      assert.deepStrictEqual(yield* taken(["p", 9]), [true])
      yield* said(Date.now() - 1)
      yield* shutPoll("q", 2, Date.now() - 1)
      assert.deepStrictEqual(yield* taken("p", "q"), [true, false])
    }).pipe(withShards(1))
  )
})
