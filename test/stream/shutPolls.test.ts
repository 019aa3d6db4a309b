import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Vote } from "../../src/domain/Vote.ts"
import { command, Redis } from "../../src/stream/Redis.ts"
import { Shards } from "../../src/stream/Shards.ts"
import { isShut, shutHash } from "../../src/stream/ShutPolls.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { cast } from "../support/following.ts"
import { eventually, layerServers } from "../support/servers.ts"

const hour = 3_600_000
const inPoll = (poll: string): Vote => ({ ...cast(), poll })

/** Says which of these polls the stream takes a vote in, of votes that come at once. */
const taken = (...polls: ReadonlyArray<string>) =>
  Effect.flatMap(VoteStream, (stream) =>
    Effect.forEach(
      polls,
      (poll) =>
        stream.append(inPoll(poll)).pipe(
          Effect.as(true),
          Effect.catchIf(isShut, () => Effect.succeed(false))
        ),
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
      yield* shutPoll("later", now() + hour / 2)
      yield* shutPoll("now", now() - 1)
      const votes = Array.from({ length: 12 }, (_, index) => ["now", "later", "never"][index % 3] ?? "")
      assert.deepStrictEqual(
        yield* taken(...votes),
        votes.map((poll) => poll !== "now")
      )
      for (const [polls, left] of yield* remembered) {
        assert.sameMembers(polls, ["later", "now"])
        assert.closeTo(left, 1.5 * hour, hour / 10)
      }
      yield* shutPoll("now")
      assert.deepStrictEqual(yield* taken("now"), [true])
    }).pipe(withShards(3))
  )

  it.live("does so for its time, and forgets what is over and what is too far ahead", () =>
    Effect.gen(function* () {
      const { now, shutPoll } = yield* VoteStream
      yield* shutPoll("brief", now(), 300)
      yield* shutPoll("far", now() + 2 * hour)
      assert.deepStrictEqual(
        (yield* remembered).map(([polls]) => polls),
        [["brief"]]
      )
      yield* shutPoll("long", now() - 1)
      yield* eventually(Effect.map(taken("brief"), (each) => assert.deepStrictEqual(each, [true])))
      yield* shutPoll("long", now() - 1)
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
      yield* shutPoll("p", yield* closingTime)
      assert.deepStrictEqual(yield* taken("p", "q"), [false, true])
    }).pipe(withShards(1))
  )

  it.live("leaves a vote its answer that is sent again with its key", () =>
    Effect.gen(function* () {
      const { appendOnce, now, shutPoll } = yield* VoteStream
      const first = yield* appendOnce(inPoll("p"), "key")
      yield* shutPoll("p", now() - 1)
      assert.deepStrictEqual(yield* appendOnce(inPoll("p"), "key"), first)
      assert.isTrue(isShut(yield* Effect.flip(appendOnce(inPoll("p"), "another"))))
    }).pipe(withShards(1))
  )
})
