import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import { PollStore } from "../../src/ledger/PollStore.ts"
import { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { layerServers } from "../support/servers.ts"
import { createPoll } from "../support/votes.ts"

const voter = "A".repeat(22)

/** Counts one vote of the voter that was accepted at a time, and returns its id. */
const count = Effect.fnUntraced(function* (poll: string, ms: number, choice = "tea") {
  const ledger = yield* Ledger
  const voteId = makeVoteId()
  yield* ledger.count(VoteColumns.of([{ voteId, poll, choice, voter, castAt: 1, ms: BigInt(ms), seq: 0n }]))
  return voteId
})

const statusesOf = (poll: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(sql<{ status: string }>`select status from vote where poll = ${poll} order by accepted_ms`, (rows) =>
      rows.map(({ status }) => status)
    )
  )

layer(layerServers(), { excludeTestServices: true })("a poll whose closing time changes", (it) => {
  it.effect.each([
    ["once", ["counted", "rejected"], ["counted", "rejected", "rejected"]],
    ["changeable", ["superseded", "counted"], ["superseded", "counted", "rejected"]]
  ] as ReadonlyArray<readonly ["once" | "changeable", Array<string>, Array<string>]>)(
    "%s: knows who has voted, also of a vote that is counted afterwards",
    ([ballot, both, all]) =>
      Effect.gen(function* () {
        const acts = yield* PollActs
        const poll = yield* createPoll({ ballot, identity: "browser" })
        yield* count(poll, 1_000)
        yield* acts.close(poll, Effect.succeed(3_000))
        yield* count(poll, 2_000)
        assert.deepStrictEqual(yield* statusesOf(poll), both)
        yield* count(poll, 4_000)
        assert.deepStrictEqual(yield* statusesOf(poll), all)
      })
  )
})

layer(layerServers(), { excludeTestServices: true })("a final result that changes", (it) => {
  it.effect("says the sums that it became final with, too", () =>
    Effect.gen(function* () {
      const [acts, store, ledger] = [yield* PollActs, yield* PollStore, yield* Ledger]
      const poll = yield* createPoll({ rules: { kind: "score", min: 0, max: 5, every: false } })
      yield* count(poll, 1_000, "tea:5")
      yield* acts.close(poll, Effect.succeed(3_000))
      assert.isTrue(yield* store.finish(poll, 3_000))
      // As a dead letter that is counted after all.
      yield* count(poll, 2_000, "tea:3,coffee:1")
      const tally = yield* ledger.tally(poll)
      assert.deepStrictEqual(
        tally?.options.map(({ count, option, sum }) => [option, count, sum]),
        [
          ["tea", 2, 8],
          ["coffee", 1, 1]
        ]
      )
      assert.deepStrictEqual(
        tally?.changedAfterFinal?.counts.map(({ count, option, sum }) => [option, count, sum]),
        [
          ["tea", 1, 5],
          ["coffee", 0, 0]
        ]
      )
    })
  )
})
