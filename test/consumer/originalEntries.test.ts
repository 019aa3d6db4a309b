import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { audit } from "../../src/cli/AuditCommand.ts"
import { replayLetter } from "../../src/cli/DeadLettersCommand.ts"
import { layerPool } from "../../src/consumer/Pool.ts"
import { ensureGroup } from "../../src/consumer/Reader.ts"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { DeadLetters } from "../../src/ledger/DeadLetters.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { encodeVote, entryVoteId } from "../../src/stream/VoteEntry.ts"
import { auditSettings, originalEntry } from "../support/original.ts"
import { layerServers, statuses } from "../support/servers.ts"
import { drained } from "../support/votes.ts"

const tally = Effect.gen(function* () {
  const ledger = yield* Ledger
  const found = yield* ledger.tally("cats-or-dogs")
  return Object.fromEntries(found?.options.map(({ count, option }) => [option, count]) ?? [])
})

describe("entries of the original", () => {
  it.live.each([{ fastRead: true }, { fastRead: false }])(
    "are counted once among ours, also when they are given out again (fast: $fastRead)",
    ({ fastRead }) =>
      Effect.gen(function* () {
        const { client } = yield* Redis
        const { group, stream } = yield* StreamSettings
        for (let index = 0; index < 200; index++) {
          const option = index % 4 === 0 ? "dogs" : "cats"
          const ours = encodeVote({ voteId: makeVoteId(), poll: "cats-or-dogs", choice: option, castAt: Date.now() })
          yield* Effect.promise(() => client.xadd(stream, "*", ...(index % 2 === 0 ? originalEntry(option) : ours)))
        }
        yield* Effect.promise(() => client.xadd(stream, "*", "option", "birds", "request_id", "1"))
        yield* Effect.promise(() => client.xadd(stream, "*", "request_id", "1"))
        yield* Effect.provide(drained, layerPool)
        assert.deepStrictEqual(yield* tally, { cats: 150, dogs: 50 })
        assert.deepStrictEqual(yield* statuses, { counted: 200, dead: 2 })

        yield* Effect.promise(() => client.xgroup("DESTROY", stream, group))
        yield* ensureGroup(client, stream, group)
        yield* Effect.provide(drained, layerPool)
        assert.deepStrictEqual(yield* tally, { cats: 150, dogs: 50 })
        const { report } = yield* audit(yield* auditSettings)
        assert.deepInclude(report, { ok: true, appended: 202, duplicate_entries: 0, missing: 0 })
      }).pipe(Effect.provide(layerServers({ fastRead })))
  )

  it.live("that were buried by a version which did not know them are counted by a replay, once", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const letters = yield* DeadLetters
      const sql = yield* SqlClient.SqlClient
      yield* ledger.migrated
      const { stream } = yield* StreamSettings
      const [entryId, flat] = ["1732000000123-0", originalEntry("cats")]
      const voteId = entryVoteId(stream, entryId, flat)
      const fields = flat.map((field) => Buffer.from(field))
      const known = { voteId, poll: null, choice: null, ms: 1_732_000_000_123n, seq: 0n, deliveries: 1n }
      yield* ledger.bury([{ ...known, reason: "undecodable", stream, entryId, fields }])
      for (const letter of yield* letters.list({}))
        assert.deepInclude(yield* replayLetter(letters, letter), { status: "counted" })
      assert.deepStrictEqual(yield* statuses, { counted: 1 })
      assert.deepStrictEqual(yield* tally, { cats: 1, dogs: 0 })
      const [row] = yield* sql<{ id: string }>`select vote_id as id from vote_event`
      assert.strictEqual(row?.id, voteId)
    }).pipe(Effect.provide(DeadLetters.layer), Effect.provide(layerServers()))
  )
})
