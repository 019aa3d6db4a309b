import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { batchOf } from "../../src/consumer/EntryBatch.ts"
import { recordBatch } from "../../src/consumer/RecordBatch.ts"
import { OutOfService } from "../../src/domain/Problems.ts"
import type { DeadEntry, Ledger } from "../../src/ledger/Ledger.ts"
import type { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import type { Redis } from "../../src/stream/Redis.ts"
import { quiet } from "../support/servers.ts"

const names = Schema.Literals(["v", "vote_id", "poll", "option", "cast_at", "voter", "timestamp"])

/** Fields that are wrong in all ways, and now and then right. */
const Fields = Schema.Array(
  Schema.Tuple([
    Schema.Union([names, Schema.String]),
    Schema.Union([
      Schema.String,
      Schema.Literals(["1", "2", "cats-or-dogs", "cats", "0", "019845e1-682f-7b02-a706-3b2422d13aec", "\u0000"])
    ])
  ])
)

/** Ids as Redis makes them, up to the largest. */
const EntryId = Schema.Tuple([
  Schema.Literals(["0", "1", "1732000000000", "9223372036854775808", "18446744073709551615"]),
  Schema.Literals(["0", "1", "18446744073709551615"])
])

const entriesOf = (
  batch: ReadonlyArray<readonly [readonly [string, string], ReadonlyArray<readonly [string, string]>]>
) => batch.map(([[ms, seq], fields]) => ({ id: `${ms}-${seq}`, fields: fields.flat() }))

describe("recordBatch", () => {
  it.effect.prop(
    "makes of whatever is in the stream a vote or a dead letter, and never fails",
    [Schema.Array(Schema.Tuple([EntryId, Fields]))],
    ([batch]) => {
      const counted: Array<string> = []
      const dead: Array<DeadEntry> = []
      const ledger = {
        count: (votes) =>
          Effect.sync(() => {
            for (let index = 0; index < votes.length; index++) counted.push(votes.at(index).voteId)
            return { recorded: [], refusals: [] }
          }),
        bury: (entries) =>
          Effect.sync(() => {
            dead.push(...entries)
            return entries
          }),
        find: () => Effect.succeed(undefined),
        keeps: () => Effect.succeed(true),
        tally: () => Effect.succeed(undefined),
        ping: new OutOfService({ part: "database", cause: "not asked" }),
        migrated: Effect.void
      } satisfies Ledger["Service"]
      const client = {
        xrangeBuffer: () => Promise.resolve([]),
        xpending: () => Promise.resolve([])
      } as unknown as Redis["Service"]["client"]
      return Effect.gen(function* () {
        const entries = entriesOf(batch)
        yield* recordBatch(ledger, client, { stream: "votes", group: "g", maxRetries: 3 }, batchOf(entries))
        assert.strictEqual(counted.length + dead.length, entries.length)
        for (const { choice, poll, reason, voteId } of dead) {
          assert.match(voteId, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
          assert.notInclude(`${choice}${poll}${reason}`, "\u0000")
        }
      }).pipe(Effect.provide(quiet))
    }
  )

  it.effect("takes a vote that is right", () =>
    Effect.gen(function* () {
      const votes: Array<string> = []
      const ledger = {
        count: (batch: VoteColumns) =>
          Effect.sync(() => {
            votes.push(batch.at(0).voteId)
            return { recorded: [], refusals: [] }
          })
      } as unknown as Ledger["Service"]
      const id = "019845e1-682f-7b02-a706-3b2422d13aec"
      const fields = ["v", "1", "vote_id", id, "poll", "cats-or-dogs", "option", "cats", "cast_at", "5", "later", "x"]
      const client = {} as unknown as Redis["Service"]["client"]
      yield* recordBatch(
        ledger,
        client,
        { stream: "votes", group: "g", maxRetries: 3 },
        batchOf([{ id: "5-0", fields }])
      )
      assert.deepStrictEqual(votes, [id])
    })
  )
})
