import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { audit } from "../../src/cli/AuditCommand.ts"
import { replayLetter } from "../../src/cli/DeadLettersCommand.ts"
import { parseFrom } from "../../src/cli/RecountCommand.ts"
import { layerPool } from "../../src/consumer/Pool.ts"
import { nothingRecounted, recount } from "../../src/consumer/Recount.ts"
import { makeVoteId, type Vote } from "../../src/domain/Vote.ts"
import { layerPostgres } from "../../src/layers/PostgresClient.ts"
import { DeadLetters } from "../../src/ledger/DeadLetters.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Partitions } from "../../src/ledger/Partitions.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { makeFence } from "../../src/stream/ReplicatedWrites.ts"
import { usedShards } from "../../src/stream/Shards.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { makeDatabase } from "../support/databases.ts"
import { layerServers, statuses } from "../support/servers.ts"
import { createPoll, day, drained } from "../support/votes.ts"

const voteFor = (option: string, more: Partial<Vote> = {}): Vote => ({
  voteId: makeVoteId(),
  poll: "cats-or-dogs",
  choice: option,
  castAt: Date.now(),
  ...more
})

const append = (votes: ReadonlyArray<Vote>) =>
  Effect.flatMap(VoteStream, (stream) => Effect.forEach(votes, (vote) => stream.append(vote), { concurrency: 100 }))

const books = Effect.gen(function* () {
  const { group, shards, stream } = yield* StreamSettings
  return (yield* audit({ consumerGroup: group, streamName: stream, streamShards: shards })).report
})

/** Counts again what the streams hold, from an entry on. */
const recountFrom = (from: string) =>
  Effect.gen(function* () {
    const { group, shards, stream } = yield* StreamSettings
    const ledger = yield* Ledger
    yield* ledger.migrated
    const options = { group, maxRetries: 1, fence: makeFence(0), from, progress: () => Effect.void }
    let sum = nothingRecounted
    for (const shard of yield* usedShards(yield* Redis, stream, shards)) {
      sum = yield* recount(ledger, shard, options, sum)
    }
    return sum
  })

/** Another database in place of the one that has counted, as if it were restored to a time before all votes. */
const restored = Effect.gen(function* () {
  const database = layerPostgres(yield* makeDatabase, 4)
  const services = Layer.mergeAll(Ledger.layer, PollActs.layer).pipe(Layer.provideMerge(database))
  return yield* Layer.build(Layer.fresh(services))
})

const contents = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  return {
    votes:
      yield* sql`select vote_id, poll, choice, encode(voter, 'hex') as voter, status, reason, accepted_ms, accepted_seq
      from vote_event order by vote_id`,
    duplicates: yield* sql`select vote_id, accepted_ms, accepted_seq from duplicate_entry order by 1, 2, 3`,
    tallies: yield* sql`select poll, option, count from tally order by poll, option`,
    ballots: yield* sql`select poll, encode(voter, 'hex') as voter, vote_id from ballot order by 1, 2`
  }
})

describe("recount", () => {
  it.live.each([{ shards: 1 }, { shards: 4 }])(
    "changes nothing that the ledger has, and makes an older ledger the same ($shards)",
    ({ shards }) =>
      Effect.gen(function* () {
        const { client } = yield* Redis
        const { stream } = yield* StreamSettings
        const [once, changeable] = ["once", "changeable"] as const
        const polls = [
          { slug: once, ballot: once, identity: "token" },
          { slug: changeable, ballot: changeable, identity: "token" }
        ] as const
        yield* Effect.forEach(polls, (poll) => createPoll(poll))
        const resent = voteFor("cats")
        const voters = ["ann", "bob", "cid"].flatMap((name) =>
          [once, changeable].flatMap((poll) =>
            ["tea", "coffee"].map((option) => voteFor(option, { poll, voter: Buffer.from(name).toString("base64url") }))
          )
        )
        yield* append([...Array.from({ length: 200 }, () => voteFor("cats")), resent, ...voters])
        yield* append([resent, voteFor("birds"), voteFor("tea", { poll: "unknown" })])
        if (shards === 1) yield* Effect.promise(() => client.xadd(stream, "*", "no", "vote"))
        yield* Effect.provide(drained, layerPool)
        const before = yield* contents

        const entries = shards === 1 ? 217 : 216
        assert.deepStrictEqual(yield* recountFrom("-"), { ...nothingRecounted, entries, known: entries })
        assert.deepStrictEqual(yield* contents, before)
        assert.deepInclude(yield* books, { ok: true, duplicate_entries: 1, pending: 0 })

        yield* Effect.gen(function* () {
          yield* Effect.forEach(polls, (poll) => createPoll(poll))
          const sum = yield* recountFrom("-")
          assert.deepInclude(sum, { entries, known: 1, dead: entries - 214, old: 0 })
          assert.deepStrictEqual(yield* contents, before)
          assert.isTrue((yield* books).ok)
        }).pipe(Effect.provide(yield* restored))
      }).pipe(Effect.scoped, Effect.provide(layerServers({ shards })))
  )

  it.live("begins where it is told to, and ends with what a consumer was given", () =>
    Effect.gen(function* () {
      const ids = yield* append(Array.from({ length: 50 }, () => voteFor("dogs")))
      yield* Effect.provide(drained, layerPool)
      yield* append([voteFor("cats")])
      const entries = [...ids].sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
      yield* Effect.gen(function* () {
        const sum = yield* recountFrom(entries[20] ?? "")
        assert.deepStrictEqual(sum, { ...nothingRecounted, entries: 30, counted: 30 })
        assert.deepInclude(yield* books, { ok: false, appended: 51, pending: 1, missing: 20 })
        assert.deepInclude(yield* recountFrom("-"), { entries: 50, counted: 20, known: 30 })
        assert.isTrue((yield* books).ok)
      }).pipe(Effect.provide(yield* restored))
    }).pipe(Effect.scoped, Effect.provide(layerServers()))
  )

  it.live("buries the votes of a poll that the restored ledger lacks, for a replay once it is there again", () =>
    Effect.gen(function* () {
      const poll = yield* createPoll()
      yield* append(Array.from({ length: 5 }, () => voteFor("tea", { poll })))
      yield* Effect.provide(drained, layerPool)
      yield* Effect.gen(function* () {
        assert.deepInclude(yield* recountFrom("-"), { entries: 5, dead: 5 })
        yield* createPoll({ slug: poll })
        const letters = yield* DeadLetters
        for (const letter of yield* letters.list({}))
          assert.deepInclude(yield* replayLetter(letters, letter), { status: "counted" })
        assert.deepStrictEqual(yield* statuses, { counted: 5 })
        assert.isTrue((yield* books).ok)
      }).pipe(Effect.provide(DeadLetters.layer), Effect.provide(yield* restored))
    }).pipe(Effect.scoped, Effect.provide(layerServers()))
  )

  it.live("goes on beside consumers and votes that come in", () =>
    Effect.gen(function* () {
      const votes = (count: number) => append(Array.from({ length: count }, () => voteFor("cats")))
      yield* Effect.gen(function* () {
        yield* votes(2_000)
        const [first] = yield* Effect.all([recountFrom("-"), votes(2_000)], { concurrency: 2 })
        yield* drained
        assert.isAtMost(first.counted, 4_000)
        assert.deepInclude(yield* recountFrom("-"), { entries: 4_000, known: 4_000 })
        assert.deepInclude(yield* books, { ok: true, appended: 4_000, ledger_rows: { counted: 4_000 } })
      }).pipe(Effect.provide(layerPool))
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("leaves alone what the ledger has dropped, be it a vote or none", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const { stream } = yield* StreamSettings
      yield* append(Array.from({ length: 5 }, () => voteFor("cats")))
      yield* Effect.promise(() => client.xadd(stream, "*", "no", "vote"))
      yield* Effect.provide(drained, layerPool)
      const partitions = yield* Partitions
      const end = Date.now() + 10 * day
      yield* partitions.extend(end, day)
      yield* partitions.drop(end)
      assert.deepStrictEqual(yield* recountFrom("-"), { ...nothingRecounted, entries: 6, old: 6 })
      assert.deepInclude(yield* books, { ok: true, dropped: { counted: 5, dead: 1 }, ledger_rows: {} })
    }).pipe(Effect.provide(Layer.provideMerge(Partitions.layer, layerServers())))
  )

  it.live("leaves alone what was voted in a poll before it was deleted, also where it is made again", () =>
    Effect.gen(function* () {
      const acts = yield* PollActs
      const poll = yield* createPoll({ archived: true })
      yield* append(Array.from({ length: 5 }, () => voteFor("tea", { poll })))
      yield* Effect.provide(drained, layerPool)
      yield* acts.act(poll, "delete", () => Effect.succeed("deleted" as const))
      const left = { ...nothingRecounted, entries: 5, old: 5 }
      assert.deepStrictEqual(yield* recountFrom("-"), left)
      assert.deepInclude(yield* books, { ok: true, dropped: { deleted: 5 }, ledger_rows: {} })
      yield* createPoll({ slug: poll })
      assert.deepStrictEqual(yield* recountFrom("-"), left)
      assert.deepInclude(yield* books, { ok: true, dropped: { deleted: 5 }, ledger_rows: {} })
    }).pipe(Effect.provide(layerServers()))
  )

  it.live("leaves alone what a poll was voted that is deleted while it goes on", () =>
    Effect.gen(function* () {
      const acts = yield* PollActs
      const ledger = yield* Ledger
      const poll = yield* createPoll({ archived: true })
      yield* append(Array.from({ length: 5 }, () => voteFor("tea", { poll })))
      yield* Effect.provide(drained, layerPool)
      const deleting = Ledger.of({
        ...ledger,
        count: (votes) =>
          Effect.andThen(
            Effect.orDie(acts.act(poll, "delete", () => Effect.succeed("deleted" as const))),
            ledger.count(votes)
          )
      })
      const sum = yield* Effect.provideService(recountFrom("-"), Ledger, deleting)
      assert.deepStrictEqual(sum, { ...nothingRecounted, entries: 5, old: 5 })
      assert.deepInclude(yield* books, { ok: true, dropped: { deleted: 5 }, ledger_rows: {} })
    }).pipe(Effect.provide(layerServers()))
  )

  it("takes a time with its zone, an entry's id, or all", () => {
    assert.strictEqual(parseFrom("2026-11-24T21:00:00.5+01:00"), `${Date.UTC(2026, 10, 24, 20, 0, 0, 500)}-0`)
    assert.strictEqual(parseFrom("1732000000000-7"), "1732000000000-7")
    assert.strictEqual(parseFrom("all"), "-")
    for (const wrong of [
      "",
      "yesterday",
      "2026-11-24",
      "2026-11-24T20:00:00",
      "2026-13-24T20:00:00Z",
      "1732000000000"
    ]) {
      assert.isUndefined(parseFrom(wrong), wrong)
    }
  })
})
