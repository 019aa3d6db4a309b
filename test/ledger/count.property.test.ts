import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { layerServers } from "../support/servers.ts"

/** Deliveries of votes: which vote, in which batch, as its how-many-eth entry; batches of one wave run at once. */
const Deliveries = Schema.Array(
  Schema.Struct({
    vote: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 15 })),
    batch: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })),
    entry: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 }))
  })
)

const waveOf = (batch: number) => batch >> 1

layer(layerServers(), { excludeTestServices: true })("Ledger.count", (it) => {
  it.effect.prop(
    "gives the same tallies and books for any order, split, repeat and interleaving of batches",
    [Deliveries],
    ([deliveries]) =>
      Effect.gen(function* () {
        const ledger = yield* Ledger
        const sql = yield* SqlClient.SqlClient
        yield* ledger.migrated
        yield* sql`truncate vote_event, duplicate_entry, dead_letter`
        yield* sql`update tally set count = 0`
        const ids = Array.from({ length: 16 }, () => makeVoteId())
        const optionOf = (vote: number) => (vote % 3 === 0 ? "cats" : "dogs")
        const batches = Array.from({ length: 6 }, (_, batch) =>
          deliveries
            .filter((delivery) => delivery.batch === batch)
            .map(({ entry, vote }) => ({
              voteId: ids[vote] ?? "",
              poll: "cats-or-dogs",
              choice: optionOf(vote),
              castAt: 1,
              ms: BigInt(1000 + vote),
              seq: BigInt(entry)
            }))
        )
        for (const wave of [0, 1, 2]) {
          const now = batches.filter((batch, index) => waveOf(index) === wave && batch.length > 0)
          yield* Effect.forEach(now, (batch) => ledger.count(VoteColumns.of(batch)), { concurrency: "unbounded" })
        }
        const votes = new Set(deliveries.map(({ vote }) => vote))
        const entries = new Set(deliveries.map(({ entry, vote }) => `${vote}/${entry}`))
        const tally = yield* ledger.tally("cats-or-dogs")
        const expected = ["cats", "dogs"].map((option) => ({
          option,
          count: [...votes].filter((vote) => optionOf(vote) === option).length
        }))
        assert.deepStrictEqual(tally?.options, expected)
        const [books] = yield* sql<{ rows: bigint; duplicates: bigint; late: bigint }>`
          select (select count(*) from vote_event) as rows, (select count(*) from duplicate_entry) as duplicates,
            (select count(*) from vote_event v join duplicate_entry d using (vote_id)
              where (d.accepted_ms, d.accepted_seq) <= (v.accepted_ms, v.accepted_seq)) as late`
        assert.deepStrictEqual(
          { rows: Number(books?.rows), entries: Number(books?.rows) + Number(books?.duplicates), late: books?.late },
          { rows: votes.size, entries: entries.size, late: 0n }
        )
      })
  )
})
