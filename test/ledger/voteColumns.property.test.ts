import { PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { arrayTypes } from "../../src/ledger/ArrayColumn.ts"
import { type AcceptedVote, VoteColumns } from "../../src/ledger/VoteColumns.ts"

const most = 2n ** 63n - 1n
const Bigint = Schema.Literals([0n, 1n, 4_294_967_295n, 4_294_967_296n, 1_732_000_000_000n, most])
const slug = Schema.Literals(["a", "b", "cats-or-dogs"])
const Vote = Schema.Struct({
  poll: slug,
  choice: slug,
  voter: Schema.optionalKey(Schema.Literals(["YW5u", "Ym9i"])),
  castAt: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e15 - 1 })),
  ms: Bigint,
  seq: Bigint
})
const Votes = Schema.Array(Vote)

const withIds = (votes: typeof Votes.Type): ReadonlyArray<AcceptedVote> =>
  votes.map((vote) => ({ ...vote, voteId: makeVoteId() }))

const all = (columns: VoteColumns): ReadonlyArray<AcceptedVote> =>
  Array.from({ length: columns.length }, (_, index) => columns.at(index))

const byPoll = (votes: ReadonlyArray<AcceptedVote>) =>
  new Map(votes.map(({ poll }) => [poll, votes.filter((vote) => vote.poll === poll).length]))

describe("VoteColumns", () => {
  it.effect.prop("hold votes, and what is picked out of them or added", [Votes, Votes], ([some, others]) =>
    Effect.sync(() => {
      const votes = withIds(some)
      const more = withIds(others)
      const columns = VoteColumns.of(votes)
      assert.deepStrictEqual(all(columns), votes)
      assert.deepStrictEqual(columns.byPoll(), byPoll(votes))
      assert.deepStrictEqual(all(columns.with(more)), [...votes, ...more])
      assert.deepStrictEqual(columns.with(more).byPoll(), byPoll([...votes, ...more]))
      const half = votes.length >> 1
      assert.deepStrictEqual(all(columns.slice(0, half)), votes.slice(0, half))
      assert.deepStrictEqual(all(columns.slice(half)), votes.slice(half))
      const odd = [...votes.keys()].filter((index) => index % 2 === 1)
      const picked = votes.filter((_, index) => index % 2 === 1)
      assert.deepStrictEqual(all(columns.pick(odd)), picked)
      for (const [index, { ms }] of votes.entries()) assert.strictEqual(columns.msAt(index), Number(ms))
      assert.throws(() => columns.at(votes.length), RangeError)
    })
  )

  it.effect.prop("are sent as the client would send arrays of the same values", [Votes], ([some]) =>
    Effect.sync(() => {
      const votes = withIds(some)
      const sent = (parameter: PgTypes.Parameter) => [
        parameter.oid,
        Buffer.from(Result.getOrThrow(PgTypes.encode(parameter.value, parameter.oid, arrayTypes)))
      ]
      const plain = (values: ReadonlyArray<unknown>, oid: number) => sent(Result.getOrThrow(PgTypes.array(values, oid)))
      const { cast_ms, choices, ms, options, polls, seqs, vote_ids } = VoteColumns.of(votes).parameters()
      // Of none, the client sends an array without dimensions, and PostgreSQL takes ours of length 0 for the same.
      if (votes.length === 0) return
      assert.deepStrictEqual(
        sent(vote_ids),
        plain(
          votes.map(({ voteId }) => voteId),
          PgTypes.OID.uuid
        )
      )
      const bigints = (of: (vote: AcceptedVote) => bigint) => plain(votes.map(of), PgTypes.OID.int8)
      assert.deepStrictEqual(
        sent(ms),
        bigints((vote) => vote.ms)
      )
      assert.deepStrictEqual(
        sent(seqs),
        bigints((vote) => vote.seq)
      )
      assert.deepStrictEqual(
        sent(cast_ms),
        bigints((vote) => BigInt(vote.castAt))
      )
      // Which of the polls and options each vote is for.
      const listed = (parameter: PgTypes.Parameter) => parameter.value as ReadonlyArray<string>
      const places = votes.map(
        ({ choice, poll }) =>
          1 + listed(polls).findIndex((name, place) => name === poll && listed(options)[place] === choice)
      )
      assert.deepStrictEqual(sent(choices), plain(places, PgTypes.OID.int4))
    })
  )

  it.effect.prop("keep nothing of what they held before", [Votes, Votes], ([first, second]) =>
    Effect.sync(() => {
      const columns = VoteColumns.of(withIds(first))
      columns.clear()
      columns.reserve(second.length)
      const votes = withIds(second)
      for (const vote of votes) columns.add(vote)
      assert.deepStrictEqual(all(columns), votes)
      assert.deepStrictEqual(columns.byPoll(), byPoll(votes))
      assert.deepStrictEqual(columns.parameters(), VoteColumns.of(votes).parameters())
    })
  )
})
