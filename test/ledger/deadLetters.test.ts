import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { DeadLetters } from "../../src/ledger/DeadLetters.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { held, untilWaiting } from "../support/locks.ts"
import { layerServers } from "../support/servers.ts"
import { createPoll } from "../support/votes.ts"

const layer = Layer.provideMerge(DeadLetters.layer, layerServers())

/** Buries a vote for `option`, as the pool does with one that the ledger refuses. */
const bury = (option: string, reason = "unknown option") =>
  Effect.gen(function* () {
    const ledger = yield* Ledger
    yield* ledger.migrated
    const voteId = makeVoteId()
    const texts = ["v", "1", "vote_id", voteId, "poll", "cats-or-dogs", "option", option, "cast_at", "5"]
    yield* ledger.bury([
      {
        voteId,
        poll: "cats-or-dogs",
        choice: option,
        reason,
        stream: "votes",
        entryId: "1700-3",
        deliveries: 1n,
        ms: 1700n,
        seq: 3n,
        fields: texts.map((text) => Buffer.from(text))
      }
    ])
    return voteId
  })

const eventOf = (voteId: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<{ status: string; reason: string | null; ms: bigint; seq: bigint }>`
      select status, reason, accepted_ms as ms, accepted_seq as seq from vote_event where vote_id = ${voteId}::uuid`
    return row
  })

const only = (voteId: string) =>
  Effect.gen(function* () {
    const letters = yield* DeadLetters
    const [letter] = yield* letters.list({ voteId })
    return letter ?? (yield* Effect.die(new Error("no such dead letter")))
  })

describe("DeadLetters", () => {
  it.live("lists by poll, by a part of the reason, and up to a limit", () =>
    Effect.gen(function* () {
      const first = yield* bury("birds")
      yield* bury("fish", "100% odd_reason")
      const letters = yield* DeadLetters
      const count = (filter: Parameters<typeof letters.list>[0]) =>
        Effect.map(letters.list(filter), (list) => list.length)
      assert.strictEqual(yield* count({}), 2)
      assert.strictEqual(yield* count({ limit: 1 }), 1)
      assert.strictEqual(yield* count({ reason: "% odd_" }), 1)
      assert.strictEqual(yield* count({ reason: "unknown_option" }), 0)
      assert.strictEqual(yield* count({ poll: "nowhere" }), 0)
      assert.strictEqual((yield* only(first)).option, "birds")
    }).pipe(Effect.provide(layer))
  )

  it.live("replays a vote with its id and its acceptance once the ledger takes it", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const letters = yield* DeadLetters
      const voteId = yield* bury("birds")
      const letter = yield* only(voteId)
      const vote = { voteId, poll: "cats-or-dogs", choice: "birds", castAt: 5 }
      const refused = yield* Effect.flip(letters.replay(letter, vote))
      assert.deepInclude(refused, { _tag: "StillDead", reason: "unknown option" })
      assert.deepInclude(yield* eventOf(voteId), { status: "dead", reason: "unknown option" })
      yield* sql`insert into tally (poll, option, label, position) values ('cats-or-dogs', 'birds', 'Birds', 2)`
      const fates = yield* Effect.all([letters.replay(letter, vote), letters.replay(letter, vote)], { concurrency: 2 })
      const counted = { status: "counted", reason: null }
      assert.deepStrictEqual(fates, [counted, counted])
      assert.deepStrictEqual(yield* eventOf(voteId), { status: "counted", reason: null, ms: 1700n, seq: 3n })
      const ledger = yield* Ledger
      assert.deepInclude((yield* ledger.tally("cats-or-dogs"))?.options ?? [], { option: "birds", count: 1 })
      assert.deepStrictEqual(yield* letters.list({}), [])
    }).pipe(Effect.provide(layer))
  )

  it.live("discards a letter, and the ledger keeps that its vote is dead", () =>
    Effect.gen(function* () {
      const letters = yield* DeadLetters
      const voteId = yield* bury("birds")
      const letter = yield* only(voteId)
      assert.isTrue(yield* letters.discard(letter))
      assert.isFalse(yield* letters.discard(letter))
      const discarded = { status: "dead", reason: "discarded: unknown option" }
      const vote = { voteId, poll: "cats-or-dogs", choice: "cats", castAt: 5 }
      assert.deepStrictEqual(yield* letters.replay(letter, vote), discarded)
      assert.deepStrictEqual(yield* letters.list({}), [])
      assert.deepInclude(yield* eventOf(voteId), discarded)
    }).pipe(Effect.provide(layer))
  )

  it.live("says of a replayed vote that its poll had closed, and leaves alone what was replayed", () =>
    Effect.gen(function* () {
      const letters = yield* DeadLetters
      const voteId = yield* bury("tea")
      const letter = yield* only(voteId)
      const poll = yield* createPoll({ closesMs: 1_000 })
      const rejected = { status: "rejected", reason: "the poll was closed" }
      assert.deepStrictEqual(yield* letters.replay(letter, { voteId, poll, choice: "tea", castAt: 5 }), rejected)
      assert.isFalse(yield* letters.discard(letter))
      assert.deepInclude(yield* eventOf(voteId), rejected)
    }).pipe(Effect.provide(layer))
  )

  it.live("leaves a poll's votes to whoever deletes it", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const letters = yield* DeadLetters
      const voteId = yield* bury("birds")
      const letter = yield* only(voteId)
      const vote = { voteId, poll: "cats-or-dogs", choice: "cats", castAt: 5 }
      const deletePoll = yield* held(
        sql`select from poll where slug = 'cats-or-dogs' for update`,
        sql`select delete_poll('cats-or-dogs')`
      )
      const replaying = yield* Effect.forkChild(letters.replay(letter, vote))
      yield* untilWaiting("transactionid", "ShareLock")
      yield* deletePoll
      assert.isUndefined(yield* Fiber.join(replaying))
    }).pipe(Effect.provide(layer))
  )

  it.live("leaves a letter to whoever has its vote", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const letters = yield* DeadLetters
      const voteId = yield* bury("birds")
      const letter = yield* only(voteId)
      const removeLetter = yield* held(
        sql`delete from vote_event where vote_id = ${voteId}::uuid`,
        sql`delete from dead_letter where vote_id = ${voteId}::uuid`
      )
      const discarding = yield* Effect.forkChild(letters.discard(letter))
      yield* untilWaiting("transactionid", "ShareLock")
      yield* removeLetter
      assert.isFalse(yield* Fiber.join(discarding))
    }).pipe(Effect.provide(layer))
  )

  it.live("has no letter without its vote, whatever is buried while a poll is deleted", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* bury("birds")
      const release = yield* held(sql`select from dead_letter for update`)
      const deleting = yield* Effect.forkChild(sql`select delete_poll('cats-or-dogs')`)
      yield* untilWaiting("transactionid", "ShareLock")
      yield* bury("fish")
      yield* release
      yield* Fiber.join(deleting)
      const alone = yield* sql`
        select from dead_letter full join (select vote_id from vote_event where status = 'dead') v using (vote_id)
        where dead_letter.stream is null or v.vote_id is null`
      assert.lengthOf(alone, 0)
    }).pipe(Effect.provide(layer))
  )
})
