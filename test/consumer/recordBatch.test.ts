import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, References } from "effect"
import { TestClock } from "effect/testing"
import type { Entry } from "../../src/consumer/EntryBatch.ts"
import { recordBatch } from "../../src/consumer/RecordBatch.ts"
import { BatchRefused, type DeadEntry, type Ledger } from "../../src/ledger/Ledger.ts"
import { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import type { Connection } from "../../src/stream/Redis.ts"
import { encodeVote } from "../../src/stream/VoteEntry.ts"
import { voteAt } from "../support/votes.ts"

const options = { stream: "votes", group: "g", maxRetries: 3 }

/** Redis, in which nothing is left of the entries. */
const client = { xrangeBuffer: async () => [], xpending: async () => [] } as unknown as Connection

const votes = Array.from({ length: 9 }, (_, at) => voteAt(1_000 + at, "lunch", "tea"))
const idOf = (at: number) => `${votes[at]?.ms}-${votes[at]?.seq}`

/** A ledger that refuses each batch with one of these votes in it, and says how often it was asked for one alone. */
const makeLedger = (bad: ReadonlyArray<number>) => {
  const seen = { alone: 0, counted: new Set<string>(), buried: [] as Array<DeadEntry> }
  const ids = new Set(bad.map((at) => votes[at]?.voteId))
  const ledger = {
    count: (batch: VoteColumns) => {
      const given = Array.from({ length: batch.length }, (_, at) => batch.at(at).voteId)
      if (given.length === 1 && ids.has(given[0])) seen.alone++
      if (given.some((id) => ids.has(id))) return Effect.fail(new BatchRefused({ reason: "no" }))
      for (const id of given) seen.counted.add(id)
      return Effect.succeed({ recorded: [], refusals: [] })
    },
    bury: (entries: ReadonlyArray<DeadEntry>) => {
      seen.buried.push(...entries)
      return Effect.succeed(entries)
    }
  } as unknown as Ledger["Service"]
  return { ledger, seen }
}

/** Records a batch, however long that waits in between. */
const record = (ledger: Ledger["Service"], columns: VoteColumns, others: ReadonlyArray<Entry> = []) =>
  Effect.gen(function* () {
    const ids = [...Array.from({ length: columns.length }, (_, at) => idOf(at)), ...others.map(({ id }) => id)]
    const batch = { ids, votes: columns, others }
    const recording = yield* Effect.forkChild(recordBatch(ledger, client, options, batch))
    yield* TestClock.adjust("1 minute")
    return yield* Fiber.join(recording)
  }).pipe(Effect.provideService(References.MinimumLogLevel, "None"))

describe("a batch that the database refuses", () => {
  it.effect("costs those votes alone that are at fault, wherever they are in it, after they were tried again", () =>
    Effect.gen(function* () {
      for (const bad of [[0], [8], [3, 5], [6, 7, 8]]) {
        const { ledger, seen } = makeLedger(bad)
        const outcome = yield* record(ledger, VoteColumns.of(votes))
        assert.deepStrictEqual(
          seen.buried.map(({ entryId, voteId }) => [entryId, voteId]),
          bad.map((at) => [idOf(at), votes[at]?.voteId])
        )
        assert.strictEqual(seen.counted.size, votes.length - bad.length)
        assert.strictEqual(seen.alone, options.maxRetries * bad.length)
        const { counted, dead } = outcome
        assert.deepStrictEqual({ counted, dead }, { counted: votes.length - bad.length, dead: bad.length })
      }
    })
  )

  it.effect("leaves of an entry what was in it, and counts none that is there no more", () =>
    Effect.gen(function* () {
      const { ledger, seen } = makeLedger([1])
      const [first = assert.fail(), second = assert.fail()] = votes
      const fields = [...encodeVote(second), "of-a-later-version", "1"]
      const outcome = yield* record(ledger, VoteColumns.of([first]), [
        { id: idOf(1), fields },
        { id: "9-9", fields: null }
      ])
      assert.deepStrictEqual(
        seen.buried.map((entry) => entry.fields.map(String)),
        [fields]
      )
      assert.deepInclude(outcome, { counted: 1, dead: 1, lost: 1 })
    })
  )
})
