import { createHash } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { layerServers, uniqueName } from "../support/servers.ts"

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

/** One delivery of a vote: who casts it, when it was accepted, and in which batch it comes (two batches at once). */
const Deliveries = Schema.Array(
  Schema.Struct({ voter: upTo(4), acceptedAt: upTo(40), option: upTo(1), batch: upTo(5), again: upTo(5) })
).check(Schema.isMaxLength(40))

const Poll = Schema.Struct({
  ballot: Schema.Literals(["once", "changeable"]),
  opens: Schema.NullOr(upTo(15)),
  closes: Schema.NullOr(upTo(30)),
  /** After which batch it is closed, and at which time. */
  closing: Schema.NullOr(Schema.Struct({ after: upTo(5), at: upTo(40) }))
})

const voterHash = (voter: number) => createHash("sha256").update(`${voter}`).digest("base64url")
const options = ["a", "b"]

layer(layerServers(), { excludeTestServices: true })("ballot rules", (it) => {
  it.effect.prop(
    "decide by acceptance alone, whatever order and batches the votes come in, and whenever the poll is closed",
    [Poll, Deliveries],
    ([{ ballot, closes, closing, opens }, deliveries]) =>
      Effect.gen(function* () {
        const ledger = yield* Ledger
        const sql = yield* SqlClient.SqlClient
        yield* ledger.migrated
        const poll = uniqueName("poll").replace("_", "-")
        const opensMs = opens === null ? null : 1000 + opens
        const closesMs = closes === null ? null : 1000 + Math.max(closes, (opens ?? -1) + 1)
        yield* sql`insert into poll (slug, title, ballot, identity, opens_ms, closes_ms)
          values (${poll}, 'Poll', ${ballot}, 'browser', ${opensMs}::bigint, ${closesMs}::bigint)`
        for (const [position, option] of options.entries()) {
          yield* sql`insert into tally (poll, option, label, position) values (${poll}, ${option}, ${option}, ${position})`
        }
        // One vote for each pair of a voter and a time.
        const votes = new Map(
          deliveries.map(({ acceptedAt, option, voter }) => [
            `${voter}/${acceptedAt}`,
            { voter, acceptedAt, option: options[option] ?? "a", voteId: makeVoteId() }
          ])
        )
        const entryOf = ({ acceptedAt, voter }: { acceptedAt: number; voter: number }) => {
          const vote = votes.get(`${voter}/${acceptedAt}`)
          return {
            voteId: vote?.voteId ?? "",
            poll,
            choice: vote?.option ?? "",
            voter: voterHash(voter),
            castAt: 1,
            ms: BigInt(1000 + acceptedAt),
            seq: BigInt(voter)
          }
        }
        for (let batch = 0; batch < 6; batch += 2) {
          const both = [batch, batch + 1].map((number) =>
            deliveries.filter((delivery) => delivery.batch === number || delivery.again === number).map(entryOf)
          )
          yield* Effect.forEach(
            both,
            (entries) => (entries.length === 0 ? Effect.void : ledger.count(VoteColumns.of(entries))),
            {
              concurrency: 2
            }
          )
          if (closing !== null && closing.after >> 1 === batch >> 1) {
            yield* sql`select close_poll(${poll}, ${1000 + closing.at})`
          }
        }

        const until = Math.min(closesMs ?? 9999, closing === null ? 9999 : 1000 + closing.at)
        const inTime = [...votes.values()].filter(
          ({ acceptedAt }) => 1000 + acceptedAt >= (opensMs ?? 0) && 1000 + acceptedAt < until
        )
        const winners = new Set(
          [0, 1, 2, 3, 4].flatMap((voter) => {
            const own = inTime.filter((vote) => vote.voter === voter).sort((a, b) => a.acceptedAt - b.acceptedAt)
            const winner = ballot === "once" ? own[0] : own.at(-1)
            return winner === undefined ? [] : [winner.voteId]
          })
        )
        const rows = yield* sql<{ id: string; status: string }>`
          select vote_id as id, status from vote_event where poll = ${poll}`
        assert.strictEqual(rows.length, votes.size)
        for (const { id, status } of rows) {
          const late = !inTime.some(({ voteId }) => voteId === id)
          const other = late || ballot === "once" ? "rejected" : "superseded"
          assert.strictEqual(status, winners.has(id) ? "counted" : other)
        }
        const tally = yield* ledger.tally(poll)
        const expected = options.map((option) => ({
          option,
          count: [...votes.values()].filter((vote) => winners.has(vote.voteId) && vote.option === option).length
        }))
        assert.deepStrictEqual(tally?.options, expected)
      })
  )
})
