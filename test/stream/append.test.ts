import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { Backlog } from "../../src/stream/Backlog.ts"
import { readKeeping } from "../../src/stream/Durability.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { eventually, layerServers } from "../support/servers.ts"
import { cast } from "../support/votes.ts"

const streamLength = Effect.gen(function* () {
  const { client } = yield* Redis
  const { stream } = yield* StreamSettings
  return yield* Effect.promise(() => client.xlen(stream))
})

describe("VoteStream.append", () => {
  it.live("gives the id of an entry that holds the vote", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const vote = cast()
      const id = yield* stream.append(vote)
      assert.match(id, /^\d+-\d+$/)
      assert.strictEqual(yield* stream.find(vote.voteId, id), "cats-or-dogs")
      assert.strictEqual(yield* stream.find(makeVoteId(), id), undefined)
      assert.strictEqual(yield* stream.find(vote.voteId, "1-1"), undefined)
    }).pipe(Effect.provide(layerServers()))
  )
})

describe("VoteStream.appendOnce", () => {
  it.live("gives one entry for any number of uses of a key at once", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const uses = yield* Effect.forEach(Array.from({ length: 40 }), () => stream.appendOnce(cast(), "key-1"), {
        concurrency: "unbounded"
      })
      assert.strictEqual(new Set(uses.map(({ streamId }) => streamId)).size, 1)
      assert.strictEqual(new Set(uses.map(({ voteId }) => voteId)).size, 1)
      assert.strictEqual(yield* streamLength, 1)
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("tells of the first vote when a key comes with another, and keeps polls apart", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const first = yield* stream.appendOnce(cast("cats"), "key-1")
      assert.deepStrictEqual(yield* stream.appendOnce(cast("dogs"), "key-1"), { ...first, choice: "cats" })
      yield* stream.appendOnce({ ...cast("dogs"), poll: "another" }, "key-1")
      yield* stream.appendOnce(cast("dogs"), "key-2")
      assert.strictEqual(yield* streamLength, 3)
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("works after Redis has forgotten its scripts, and forgets a key after its time", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const { client } = yield* Redis
      const first = yield* stream.appendOnce(cast(), "key-1")
      yield* Effect.promise(() => client.script("FLUSH"))
      assert.deepStrictEqual(yield* stream.appendOnce(cast(), "key-1"), first)
      yield* eventually(
        Effect.map(stream.appendOnce(cast(), "key-1"), ({ voteId }) => assert.notStrictEqual(voteId, first.voteId))
      )
      assert.strictEqual(yield* streamLength, 2)
    }).pipe(Effect.provide(layerServers({ idempotencyTtl: 300 })))
  )
})

describe("Backlog", () => {
  it.live("is full from its bound on, and no longer once votes are counted", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const { client } = yield* Redis
      const settings = yield* StreamSettings
      const backlog = yield* Backlog
      yield* Effect.forEach(Array.from({ length: 10 }), () => stream.append(cast()))
      yield* eventually(Effect.sync(() => assert.isTrue(backlog.isFull())))
      assert.strictEqual(backlog.pending(), 10)
      yield* Effect.promise(() => client.del(settings.stream))
      yield* eventually(Effect.sync(() => assert.isFalse(backlog.isFull())))
      assert.strictEqual(backlog.pending(), 0)
    }).pipe(Effect.provide(Layer.provideMerge(Backlog.layer, layerServers({ maxBacklog: 10 }))))
  )
})

describe("VoteStream.backlog", () => {
  it.live("is right where Redis is wrong about the group's lag, as it can be after a restart", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const { client } = yield* Redis
      const settings = yield* StreamSettings
      const ids = yield* Effect.forEach(Array.from({ length: 20 }), () => stream.append(cast()))
      yield* Effect.promise(() => client.ensureGroup(settings.stream, settings.group))
      assert.strictEqual(yield* stream.backlog, 20)
      const given = String(ids[14])
      yield* Effect.promise(() => client.xgroup("SETID", settings.stream, settings.group, given, "ENTRIESREAD", 2))
      assert.strictEqual(yield* stream.backlog, 5)
    }).pipe(Effect.provide(layerServers()))
  )
})

describe("readKeeping", () => {
  const refused = () => Promise.reject(Object.assign(new Error("NOPERM no permissions"), { name: "ReplyError" }))
  const answers = (info: string | undefined, appendfsync: string | undefined) =>
    ({
      info: () => (info === undefined ? refused() : Promise.resolve(info)),
      config: () => (appendfsync === undefined ? refused() : Promise.resolve(["appendfsync", appendfsync]))
    }) as unknown as Redis["Service"]["client"]

  it.effect.each([
    { info: "aof_enabled:1\r\nmaxmemory_policy:noeviction\r\n", fsync: "always", durability: "fsync", warnings: 0 },
    {
      info: "aof_enabled:1\r\nmaxmemory_policy:noeviction\r\n",
      fsync: "everysec",
      durability: "everysec",
      warnings: 1
    },
    { info: "aof_enabled:1\r\nmaxmemory_policy:noeviction\r\n", fsync: "no", durability: "memory", warnings: 1 },
    { info: "aof_enabled:0\r\nmaxmemory_policy:noeviction\r\n", fsync: "always", durability: "memory", warnings: 1 },
    { info: "aof_enabled:1\r\nmaxmemory_policy:allkeys-lru\r\n", fsync: "always", durability: "fsync", warnings: 1 },
    { info: "aof_enabled:1\r\n", fsync: undefined, durability: "everysec", warnings: 1 },
    { info: undefined, fsync: undefined, durability: "memory", warnings: 1 }
  ])("promises no more than Redis does: $info $fsync", ({ durability, fsync, info, warnings }) =>
    Effect.gen(function* () {
      const keeping = yield* readKeeping(answers(info, fsync))
      assert.strictEqual(keeping.durability, durability)
      assert.strictEqual(keeping.warnings.length, warnings)
    })
  )
})
