import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { replayLetter, told } from "../../src/cli/DeadLettersCommand.ts"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { DeadLetters } from "../../src/ledger/DeadLetters.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { encodeVote } from "../../src/stream/VoteEntry.ts"
import { layerServers } from "../support/servers.ts"
import { createPoll, tallyOf } from "../support/votes.ts"

const layer = Layer.provideMerge(DeadLetters.layer, layerServers())

/** Buries an entry with these fields, and returns its dead letter. */
const bury = (voteId: string, fields: ReadonlyArray<Uint8Array>) =>
  Effect.gen(function* () {
    const ledger = yield* Ledger
    yield* ledger.migrated
    yield* ledger.bury([
      {
        voteId,
        poll: null,
        choice: null,
        reason: "refused",
        stream: "votes",
        entryId: "1700-3",
        deliveries: 1n,
        ms: 1700n,
        seq: 3n,
        fields
      }
    ])
    const letters = yield* DeadLetters
    const [letter] = yield* letters.list({ voteId })
    return letter ?? (yield* Effect.die(new Error("no such dead letter")))
  })

const eventOf = (voteId: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<{ status: string; choice: string | null; voter: Uint8Array | null; castAt: Date | null }>`
      select status, choice, voter, cast_at as "castAt" from vote_event where vote_id = ${voteId}::uuid`
    return row
  })

describe("dead-letters replay", () => {
  it.live("counts the vote that the entry's fields are", () =>
    Effect.gen(function* () {
      const poll = yield* createPoll({ ballot: "once", identity: "token" })
      const voter = Buffer.from("ann").toString("base64url")
      const vote = { voteId: makeVoteId(), poll, choice: "tea", castAt: 1_234, voter }
      const letter = yield* bury(
        vote.voteId,
        encodeVote(vote).map((field) => Buffer.from(`${field}`))
      )
      const fate = yield* replayLetter(yield* DeadLetters, letter)
      assert.deepStrictEqual(fate, { status: "counted", reason: null })
      const event = yield* eventOf(vote.voteId)
      assert.deepInclude(event, { status: "counted", choice: "tea", castAt: new Date(1_234) })
      assert.strictEqual(Buffer.from(event?.voter ?? []).toString(), "ann")
      assert.deepStrictEqual(yield* tallyOf(poll), { tea: 1, coffee: 0 })
    }).pipe(Effect.provide(layer))
  )

  it.live("says why a vote is still dead", () =>
    Effect.gen(function* () {
      const vote = { voteId: makeVoteId(), poll: "cats-or-dogs", choice: "birds", castAt: 5 }
      const letter = yield* bury(
        vote.voteId,
        encodeVote(vote).map((field) => Buffer.from(`${field}`))
      )
      const fate = yield* replayLetter(yield* DeadLetters, letter)
      assert.deepStrictEqual(fate, { status: "dead", reason: "unknown option" })
      assert.strictEqual((yield* eventOf(vote.voteId))?.status, "dead")
    }).pipe(Effect.provide(layer))
  )

  it.live("leaves dead what can't be decoded", () =>
    Effect.gen(function* () {
      const letters = yield* DeadLetters
      const voteId = makeVoteId()
      const letter = yield* bury(voteId, [Buffer.from("v"), Buffer.from([0xff])])
      assert.match(told(yield* replayLetter(letters, letter)), /^is still dead: undecodable: /)
      assert.strictEqual((yield* eventOf(voteId))?.status, "dead")
      assert.lengthOf(yield* letters.list({ voteId }), 1)
    }).pipe(Effect.provide(layer))
  )

  it("tells a vote that counts from one that does not", () => {
    assert.strictEqual(told({ status: "counted", reason: null }), "is counted.")
    assert.strictEqual(told({ status: "superseded", reason: null }), "is superseded.")
    assert.strictEqual(told({ status: "rejected", reason: "the poll was closed" }), "is rejected: the poll was closed")
    assert.strictEqual(told(undefined), "is not in the ledger any more.")
  })
})
