import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { layerHousekeeping } from "../../src/consumer/Housekeeping.ts"
import { layerPool } from "../../src/consumer/Pool.ts"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { type Shard, Shards } from "../../src/stream/Shards.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { eventually, layerServers, statuses } from "../support/servers.ts"

const cast = (voter?: string) => ({
  voteId: makeVoteId(),
  poll: "cats-or-dogs",
  choice: "cats",
  castAt: Date.now(),
  ...(voter === undefined ? {} : { voter })
})

const times = (count: number) => Array.from({ length: count }, (_, index) => index)

const append = (votes: number) =>
  Effect.flatMap(VoteStream, (stream) =>
    Effect.forEach(times(votes), () => stream.append(cast()), { concurrency: 100 })
  )

const appendTo = ({ client, stream }: Shard, votes: number) =>
  Effect.promise(() =>
    Promise.all(
      times(votes).map(() => {
        const { choice, poll, voteId } = cast()
        return client.xadd(stream, "*", "v", "1", "vote_id", voteId, "poll", poll, "option", choice, "cast_at", "1")
      })
    )
  )

const length = ({ client, stream }: Shard) => Effect.promise(() => client.xlen(stream))

const expectCounted = (votes: number) =>
  eventually(
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* statuses, { counted: votes })
      const { backlog } = yield* VoteStream
      assert.strictEqual(yield* backlog, 0)
    })
  )

describe("votes in shards", () => {
  it.live("are spread over them, a voter's and a key's always in the same one", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const { current } = yield* Shards
      assert.strictEqual(new Set(current.map((shard) => shard.stream)).size, 4)
      assert.match(current[3]?.stream ?? "", /^votes_\w+:\{3\}$/)
      yield* append(400)
      for (const shard of current) assert.isAtLeast(yield* length(shard), 40)
      assert.strictEqual(yield* stream.backlog, 400)

      const before = yield* Effect.forEach(current, length)
      yield* Effect.forEach(times(20), () => stream.append(cast("the-same-voter")))
      const after = yield* Effect.forEach(current, length)
      assert.sameMembers(
        after.map((entries, index) => entries - (before[index] ?? 0)),
        [0, 0, 0, 20]
      )
      const keyed = yield* Effect.forEach(times(20), () => stream.appendOnce(cast(), "the-same-key"), {
        concurrency: "unbounded"
      })
      assert.strictEqual(new Set(keyed.map(({ voteId }) => voteId)).size, 1)
      assert.deepStrictEqual(yield* stream.findKey("cats-or-dogs", undefined, "the-same-key"), keyed[0])
      assert.strictEqual(yield* stream.backlog, 421)
    }).pipe(Effect.provide(layerServers({ shards: 4 })))
  )

  it.live("are found whatever shard they are in, counted and trimmed", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const { current } = yield* Shards
      const votes = times(1_200).map(() => cast())
      const ids = yield* Effect.forEach(votes, (vote) => stream.append(vote), { concurrency: 100 })
      for (const index of times(20)) {
        assert.strictEqual(yield* stream.find(votes[index]?.voteId ?? "", ids[index] ?? ""), "cats-or-dogs")
      }
      assert.isUndefined(yield* stream.find(makeVoteId(), ids[0] ?? ""))
      yield* Effect.gen(function* () {
        yield* expectCounted(1_200)
        // Whole nodes of a hundred entries are removed.
        yield* eventually(
          Effect.forEach(current, (shard) => Effect.map(length(shard), (entries) => assert.isBelow(entries, 200)))
        )
      }).pipe(Effect.provide(layerPool), Effect.provide(layerHousekeeping))
    }).pipe(Effect.provide(layerServers({ shards: 4 })))
  )

  it.live("are counted in turns: a backlog of one shard does not hold up the others", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { current } = yield* Shards
      const [backlogged, ...others] = current
      if (backlogged === undefined) return assert.fail()
      yield* appendTo(backlogged, 3_000)
      yield* Effect.forEach(others, (shard) => appendTo(shard, 10))
      yield* Effect.provide(expectCounted(3_030), layerPool)
      const ids = yield* Effect.forEach(others, ({ client, stream }) =>
        Effect.promise(() => client.xrange(stream, "-", "+"))
      )
      const votes = new Set(ids.flat().map(([, fields]) => fields[3]))
      const rows = yield* sql<{ vote_id: string }>`select vote_id from vote_event order by recorded_at, vote_id`
      const last = rows.findLastIndex(({ vote_id }) => votes.has(vote_id))
      assert.isBelow(last, 1_500, "of 3,030 votes, the 30 of the other shards are among the first")
    }).pipe(Effect.provide(layerServers({ shards: 4, fibers: 1, batchSize: 50 })))
  )

  it.live("go on being counted while one shard can't be read, and that one too once it can", () =>
    Effect.gen(function* () {
      const { current } = yield* Shards
      const [broken, ...others] = current
      if (broken === undefined) return assert.fail()
      yield* Effect.promise(() => broken.client.set(broken.stream, "no stream"))
      yield* Effect.gen(function* () {
        yield* Effect.forEach(others, (shard) => appendTo(shard, 100))
        yield* eventually(Effect.map(statuses, (found) => assert.deepStrictEqual(found, { counted: 300 })))
        yield* Effect.promise(() => broken.client.del(broken.stream))
        yield* appendTo(broken, 100)
        yield* expectCounted(400)
      }).pipe(Effect.provide(layerPool))
    }).pipe(Effect.provide(layerServers({ shards: 4 })))
  )
})

describe("another number of shards", () => {
  it.live.each([
    { from: 1, to: 4 },
    { from: 4, to: 1 },
    { from: 4, to: 6 }
  ])("from $from to $to: what was appended before is counted, found and known by its key", ({ from, to }) =>
    Effect.gen(function* () {
      const { stream: name } = yield* Shards.pipe(Effect.map(({ current }) => ({ stream: current[0]?.stream ?? "" })))
      const stream = name.replace(/:\{\d+\}$/, "")
      const key = (index: number) => `key-${index}`
      const vote = cast()
      const before = yield* Effect.gen(function* () {
        const votes = yield* VoteStream
        const id = yield* votes.append(vote)
        const keyed = yield* Effect.forEach(times(50), (index) => votes.appendOnce(cast(), key(index)))
        return { id, keyed }
      })

      const later = Effect.gen(function* () {
        const votes = yield* VoteStream
        const ledger = yield* Ledger
        yield* ledger.migrated
        assert.strictEqual(yield* votes.backlog, 51)
        assert.strictEqual(yield* votes.find(vote.voteId, before.id), "cats-or-dogs")
        const again = yield* Effect.forEach(times(50), (index) => votes.appendOnce(cast(), key(index)))
        assert.deepStrictEqual(again, before.keyed)
        assert.deepStrictEqual(yield* votes.findKey("cats-or-dogs", undefined, key(7)), before.keyed[7])
        yield* votes.appendOnce(cast(), "a-new-key")
        assert.strictEqual(yield* votes.backlog, 52)
        yield* expectCounted(52).pipe(Effect.provide(layerPool), Effect.provide(layerHousekeeping))
      })
      // Built anew, with settings of its own.
      yield* Effect.provide(later, layerServers({ shards: to, stream }), { local: true })
    }).pipe(Effect.provide(layerServers({ shards: from })))
  )
})
