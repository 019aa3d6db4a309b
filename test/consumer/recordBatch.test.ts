import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, References } from "effect"
import { TestClock } from "effect/testing"
import { batchOf, type Entry } from "../../src/consumer/EntryBatch.ts"
import { recordBatch } from "../../src/consumer/RecordBatch.ts"
import { OutOfService } from "../../src/domain/Problems.ts"
import { BatchRefused, type DeadEntry, type Ledger } from "../../src/ledger/Ledger.ts"
import { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import type { Connection } from "../../src/stream/Redis.ts"
import { encodeVote } from "../../src/stream/VoteEntry.ts"
import { collectLog } from "../support/collectLog.ts"
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

describe("entries that are no votes", () => {
  it.effect("are told of where the ledger did not have them, also when it can't be asked for the last of them", () =>
    Effect.gen(function* () {
      const { ledger } = makeLedger([])
      const others = Array.from({ length: 1_001 }, (_, at): Entry => ({ id: `1-${at}`, fields: ["noise", "x"] }))
      const away = new OutOfService({ part: "database", cause: new Error("away") })
      for (const [last, outcome] of [
        [Effect.succeed([]), 999],
        [Effect.fail(away), "away"]
      ] as const) {
        const log = collectLog()
        const knowing: Ledger["Service"] = {
          ...ledger,
          bury: (entries) => (entries.length === 1 ? last : Effect.succeed(entries.slice(1)))
        }
        const dead = yield* recordBatch(knowing, client, options, batchOf(others)).pipe(
          Effect.map(({ dead }): number | string => dead),
          Effect.orElseSucceed(() => "away"),
          Effect.provide(log.layer)
        )
        assert.strictEqual(dead, outcome)
        assert.lengthOf(log.like(/999 entries of votes are dead letters: 1-1, 1-2, .* and so on/), 1)
      }
    })
  )

  it.effect.each<readonly [what: string, lengths: ReadonlyArray<number>, portions: ReadonlyArray<number>]>([
    ["many", Array.from({ length: 2_500 }, () => 1), [1_000, 1_000, 500]],
    ["large", Array.from({ length: 5 }, () => 1.5 * 2 ** 20), [2, 2, 1]],
    ["larger than what is buried at once", [1, 5 * 2 ** 20, 1, 1], [1, 1, 2]]
  ])("are buried in portions where they are %s", ([, lengths, portions]) =>
    Effect.gen(function* () {
      const { ledger, seen } = makeLedger([])
      const buried: Array<number> = []
      const counting: Ledger["Service"] = {
        ...ledger,
        bury: (entries) => {
          buried.push(entries.length)
          return ledger.bury(entries)
        }
      }
      const others = lengths.map((length, at): Entry => ({ id: `1-${at}`, fields: ["noise", "x".repeat(length)] }))
      assert.deepInclude(yield* record(counting, VoteColumns.of([]), others), { dead: lengths.length })
      assert.deepStrictEqual(buried, portions)
      assert.deepStrictEqual(
        seen.buried.map(({ entryId, fields }) => [entryId, fields[1]?.length]),
        lengths.map((length, at) => [`1-${at}`, length])
      )
    })
  )
})
