import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { defaultPoll } from "../../src/domain/Poll.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Partitions, partitionWidth } from "../../src/ledger/Partitions.ts"
import { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { held } from "../support/locks.ts"
import { layerServers } from "../support/servers.ts"
import { day, tallyOf, voteAt } from "../support/votes.ts"

const layer = Layer.provideMerge(Partitions.layer, layerServers())

/** The partition of each of the ledger's rows, in the order of their ids. */
const places = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ name: string }>`select tableoid::regclass::text as name from vote_event order by vote_id`
  return rows.map(({ name }) => name)
})

const cats = (ms: number) => voteAt(ms, defaultPoll.slug, "cats")

const ready = Effect.gen(function* () {
  const ledger = yield* Ledger
  yield* ledger.migrated
  return { ledger, partitions: yield* Partitions }
})

describe("the ledger's partitions", () => {
  it("are so wide that there are never many", () => {
    const days = (retention: number | undefined) =>
      partitionWidth(retention === undefined ? undefined : retention * day) / day
    assert.deepStrictEqual([2, 31, 32, 217, 218, undefined].map(days), [1, 1, 7, 7, 28, 28])
  })

  it.live("take votes of any time, also of one that none was made for", () =>
    Effect.gen(function* () {
      const { ledger, partitions } = yield* ready
      const now = Date.now()
      assert.isAbove((yield* partitions.extend(now, day)).length, 3)
      assert.deepStrictEqual(yield* partitions.extend(now, day), [])
      const votes = [0, now, now + 5 * day, now + 400 * day, 2 ** 48 - 1].map(cats)
      assert.deepStrictEqual((yield* ledger.count(VoteColumns.of(votes))).refusals, [])
      assert.deepStrictEqual(yield* tallyOf(defaultPoll.slug), { cats: 5, dogs: 0 })
      const [past, present, coming, future, never] = yield* places
      assert.deepStrictEqual([past, present], ["vote_event_first", "vote_event_first"])
      assert.match(`${coming}`, /^vote_event_\d{8}$/)
      assert.deepStrictEqual([future, never], ["vote_event_other", "vote_event_other"])
      // Times that no id can hold: from before 1970, as of a ledger that keeps votes for longer than that, and from after 10889.
      const [ends] = yield* (yield* SqlClient.SqlClient)<{ first: string; last: string }>`
        select vote_id_at(-1)::text as first, vote_id_at(${2n ** 48n}::bigint)::text as last`
      assert.deepStrictEqual(ends, {
        first: "00000000-0000-0000-0000-000000000000",
        last: "ffffffff-ffff-0000-0000-000000000000"
      })
    }).pipe(Effect.provide(layer))
  )

  it.live("take over what the default partition has of theirs, and each vote still counts once", () =>
    Effect.gen(function* () {
      const { ledger, partitions } = yield* ready
      const later = Date.now() + 90 * day
      const votes = [later, later + 1, later + 1000 * day].map(cats)
      yield* ledger.count(VoteColumns.of(votes))
      // Nobody was there for 90 days: one partition for all of them.
      assert.isBelow((yield* partitions.extend(later, day)).length, 12)
      const [first, second, third] = yield* places
      assert.match(`${first}`, /^vote_event_\d{8}$/)
      assert.deepStrictEqual([second, third], [first, "vote_event_other"])
      yield* ledger.count(VoteColumns.of(votes))
      assert.deepStrictEqual(yield* tallyOf(defaultPoll.slug), { cats: 3, dogs: 0 })
    }).pipe(Effect.provide(layer))
  )

  it.live(
    "are named by UTC, reach a whole one ahead, and are the work of one process at a time, which does not hold votes up",
    () =>
      Effect.gen(function* () {
        const { partitions } = yield* ready
        const sql = yield* SqlClient.SqlClient
        const now = Date.now() + 90 * day
        const release = yield* held(sql`select pg_advisory_xact_lock(7461110)`)
        assert.deepStrictEqual(yield* partitions.extend(now, 28 * day), [])
        yield* release
        /** Returns for how long a transaction waits for locks once it has done something. */
        const waitsAfter = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
          sql.withTransaction(
            Effect.andThen(effect, sql<{ time: string }>`select current_setting('lock_timeout') as time`)
          )
        const extend = Effect.andThen(sql`set local timezone = 'America/New_York'`, partitions.extend(now, 28 * day))
        assert.deepStrictEqual(yield* waitsAfter(extend), [{ time: "2s" }])
        assert.deepStrictEqual(yield* waitsAfter(sql`select name from close_partitions(1)`), [{ time: "2s" }])
        const added = yield* sql<{ name: string; from: bigint; to: bigint }>`
        select name, from_ms as from, to_ms as to from ledger_partition where from_ms > 0 order by from_ms`
        assert.isAbove(Number(added.at(-1)?.to), now + 28 * day)
        for (const { from, name } of added) {
          const date = new Date(Number(from)).toISOString().slice(0, 10)
          assert.strictEqual(name, `vote_event_${date.replaceAll("-", "")}`)
        }
      }).pipe(Effect.provide(layer))
  )

  it.live("are added by many processes at once while votes are counted, without a gap", () =>
    Effect.gen(function* () {
      const { ledger, partitions } = yield* ready
      const sql = yield* SqlClient.SqlClient
      const now = Date.now()
      const count = Effect.forEach(Array.from({ length: 30 }), (_, index) =>
        ledger.count(VoteColumns.of(Array.from({ length: 20 }, () => cats(now + index * day))))
      )
      const extend = Effect.forEach(Array.from({ length: 10 }), (_, index) =>
        // One that waits too long for a lock is tried again.
        Effect.retry(partitions.extend(now + index * 3 * day, day), { times: 5 })
      )
      yield* Effect.all([count, count, extend, extend], { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* tallyOf(defaultPoll.slug), { cats: 1200, dogs: 0 })
      const [covered] = yield* sql<{ gaps: bigint; until: bigint }>`
        select count(*) filter (where before is distinct from from_ms and from_ms > 0) as gaps, max(to_ms) as until
        from (select from_ms, to_ms, lag(to_ms) over (order by from_ms) as before from ledger_partition) p`
      assert.strictEqual(covered?.gaps, 0n)
      // How many there are depends on who found whom at work: a step that was left out is covered by a wider one.
      assert.isAbove(Number(covered?.until), now + (27 + 7) * day)
      assert.notInclude(yield* places, "vote_event_other")
    }).pipe(Effect.provide(layer))
  )
})
