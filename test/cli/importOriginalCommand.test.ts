import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { audit } from "../../src/cli/AuditCommand.ts"
import { importOriginal } from "../../src/cli/ImportOriginalCommand.ts"
import { layerHousekeeping } from "../../src/consumer/Housekeeping.ts"
import { layerPool } from "../../src/consumer/Pool.ts"
import { ensureGroup } from "../../src/consumer/Reader.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { rebuildTallies } from "../../src/ledger/TallyBooks.ts"
import { Announcements } from "../../src/stream/Announcements.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { appendOriginal, auditSettings, makeOriginal, originalGroup } from "../support/original.ts"
import { eventually, layerServers } from "../support/servers.ts"
import { drained, tallyOf } from "../support/votes.ts"

const tally = tallyOf("cats-or-dogs")

const report = Effect.map(Effect.flatMap(auditSettings, audit), (audited) => audited.report)

const importFrom = Effect.fnUntraced(function* (
  from: Redacted.Redacted,
  more: { table?: string; group?: string } = {}
) {
  return yield* importOriginal(yield* auditSettings, { from, table: "votes", group: originalGroup, ...more })
})

/** Runs a consumer of ours until all is counted. */
const drain = drained.pipe(Effect.provide(layerPool), Effect.provide(layerHousekeeping))

const streamLength = Effect.gen(function* () {
  const { client } = yield* Redis
  const { stream } = yield* StreamSettings
  return yield* Effect.promise(() => client.xlen(stream))
})

describe("import-original", () => {
  it.live.each([{ group: originalGroup }, { group: "ours" }])(
    "takes over what was counted, and the books are even before and after the rest is counted, by the group $group",
    ({ group }) =>
      Effect.gen(function* () {
        const original = yield* makeOriginal
        yield* Effect.flatMap(Ledger, ({ migrated }) => migrated)
        const { client } = yield* Redis
        const { stream } = yield* StreamSettings
        yield* appendOriginal(100)
        yield* original.count(60, { unacked: 10 })
        assert.deepInclude(yield* report, group === originalGroup ? { ok: false, missing: 60 } : { pending: 100 })

        const announced: Array<string | undefined> = []
        yield* (yield* Announcements).listen("tally", (poll) => announced.push(poll))
        // The listener's connection subscribes by itself.
        const { announce } = yield* Announcements
        yield* eventually(
          Effect.andThen(
            announce("tally", "x"),
            Effect.sync(() => assert.include(announced, "x"))
          )
        )
        const before = yield* Effect.flatMap(Ledger, (ledger) => ledger.tally("cats-or-dogs"))
        const { isNew, original: taken } = yield* importFrom(original.url)
        assert.isTrue(isNew)
        assert.deepInclude(taken, { votes: 60, entries: 60 })
        assert.match(taken.source, /^[\w.]+:\d+\/test_\w+, table votes$/)
        const after = yield* Effect.flatMap(Ledger, (ledger) => ledger.tally("cats-or-dogs"))
        assert.isAbove(after?.revision ?? 0, before?.revision ?? 0)
        yield* eventually(Effect.sync(() => assert.include(announced, "cats-or-dogs")))
        assert.deepStrictEqual(yield* tally, { cats: 30, dogs: 30 })
        const even = { ok: true, appended: 100, pending: 40, missing: 0, missing_entries: [], dropped: {} }
        assert.deepInclude(yield* report, even)
        assert.deepInclude((yield* report).imported, { from: taken.source, votes: 60, entries: 60 })

        // Again, it changes nothing, whatever the original says by now.
        yield* original.count(0, { more: 5 })
        const again = yield* importFrom(original.url)
        assert.deepStrictEqual(again, { isNew: false, original: taken })
        assert.deepInclude(yield* report, even)

        yield* drain
        assert.deepStrictEqual(yield* tally, { cats: 50, dogs: 50 })
        assert.strictEqual(yield* rebuildTallies, 0)
        assert.deepInclude(yield* report, { ok: true, appended: 100, pending: 0, ledger_rows: { counted: 40 } })

        // What the original has counted is not given out again where a group begins anew.
        yield* Effect.promise(() => client.xgroup("DESTROY", stream, group))
        yield* ensureGroup(client, stream, group)
        yield* drain
        assert.deepStrictEqual(yield* tally, { cats: 50, dogs: 50 })
        assert.deepInclude(yield* report, { ok: true, appended: 100, missing: 0 })
      }).pipe(Effect.scoped, Effect.provide(layerServers({ group, claimIdleMs: 100 })))
  )

  it.live("keeps the books even while votes come in and are counted, and of several at once one does it", () =>
    Effect.gen(function* () {
      const original = yield* makeOriginal
      yield* appendOriginal(50)
      yield* original.count(50)
      yield* Effect.gen(function* () {
        const [, ...imports] = yield* Effect.all(
          [appendOriginal(1_000), ...Array.from({ length: 4 }, () => importFrom(original.url))],
          { concurrency: "unbounded" }
        )
        assert.lengthOf(
          imports.filter(({ isNew }) => isNew),
          1
        )
        yield* drained
      }).pipe(Effect.provide(layerPool), Effect.provide(layerHousekeeping))
      assert.deepStrictEqual(yield* tally, { cats: 525, dogs: 525 })
      const books = yield* report
      assert.deepInclude(books, { ok: true, appended: 1_050, ledger_rows: { counted: 1_000 } })
      assert.deepInclude(books.imported, { votes: 50, entries: 50 })
      assert.strictEqual(yield* rebuildTallies, 0)
    }).pipe(Effect.scoped, Effect.provide(layerServers()))
  )

  it.live("adds only the votes where the original's stream is no more", () =>
    Effect.gen(function* () {
      const original = yield* makeOriginal
      yield* original.count(0, { more: 7 })
      assert.deepInclude((yield* importFrom(original.url)).original, { votes: 7, entries: 0 })
      assert.deepInclude(yield* report, { ok: true, appended: 0, missing: 0 })
    }).pipe(Effect.scoped, Effect.provide(layerServers()))
  )

  it.live("names a loss of ours as ever", () =>
    Effect.gen(function* () {
      const original = yield* makeOriginal
      const sql = yield* SqlClient.SqlClient
      yield* appendOriginal(2_505)
      yield* original.count(2_500)
      assert.deepInclude((yield* importFrom(original.url)).original, { votes: 2_500, entries: 2_500 })
      assert.strictEqual(yield* streamLength, 5)
      yield* Effect.provide(eventually(Effect.map(report, ({ pending }) => assert.strictEqual(pending, 0))), layerPool)
      const [lost] = yield* sql<{ entry: string }>`
        delete from vote_event where vote_id = (select min(vote_id::text)::uuid from vote_event)
        returning accepted_ms || '-' || accepted_seq as entry`
      assert.deepInclude(yield* report, { ok: false, missing: 1, missing_entries: [String(lost?.entry)] })
    }).pipe(Effect.scoped, Effect.provide(layerServers()))
  )

  it.live("says what is wrong, and changes nothing then", () =>
    Effect.gen(function* () {
      const original = yield* makeOriginal
      yield* appendOriginal(10)
      yield* original.count(10)
      const refusal = (from: Redacted.Redacted, more: { table?: string; group?: string } = {}) =>
        Effect.map(Effect.flip(importFrom(from, more)), ({ message }) => message)

      assert.match(yield* refusal(Redacted.make("mysql://localhost/votes")), /^--from must be a URL of PostgreSQL/)
      assert.match(yield* refusal(Redacted.make("postgres://localhost:no/votes")), /^--from has a port that is/)
      const closed = yield* refusal(Redacted.make("postgres://ann:topsecret@127.0.0.1:1/votes"))
      assert.match(closed, /^The original's counts can't be read from 127\.0\.0\.1:1\/votes, table votes: /)
      assert.notInclude(closed, "topsecret")
      assert.match(yield* refusal(original.url, { table: "counts" }), /^There is no such table: .*, table counts;/)
      yield* original.run("create table public.counts (option text, count text)")
      assert.match(
        yield* refusal(original.url, { table: "public.counts" }),
        /^The table has no columns option and count/
      )
      assert.match(
        yield* refusal(original.url, { group: "others" }),
        /has no group others; --group names the original's$/
      )
      yield* original.run("insert into votes values ('birds', 3), ('fish', 1), ('frogs', 0)")
      assert.match(yield* refusal(original.url), /the poll cats-or-dogs has no option "birds", "fish"$/)
      yield* original.run("update votes set count = -1 where option = 'birds'")
      assert.match(yield* refusal(original.url), /has fewer than no votes for "birds"$/)

      assert.strictEqual(yield* streamLength, 10)
      assert.deepStrictEqual(yield* tally, { cats: 0, dogs: 0 })
      assert.isUndefined((yield* report).imported)
    }).pipe(Effect.scoped, Effect.provide(layerServers()))
  )
})
