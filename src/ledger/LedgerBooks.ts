import { PgTypes } from "@effect/sql-pg"
import { Array, Effect, Result } from "effect"
import { SqlClient } from "effect/sql"
import { type Acceptance, type AuditedEntry, isUpTo, placeOf } from "../domain/Vote.ts"
import { absentOf } from "./AbsentEntries.ts"
import { type AcceptedDifference, acceptedDifferences, namedMissing } from "./AcceptedDifferences.ts"
import { findOriginal, type Original } from "./Original.ts"
import { inTransaction } from "./Transaction.ts"

/** An option whose tally and ledger rows differ, in votes. */
export interface TallyDifference {
  readonly poll: string
  readonly option: string
  readonly tally: number
  readonly ledger: number
}

/** What the ledger holds up to a cut, at one moment. */
export interface LedgerState {
  /** Ledger rows by status. */
  readonly rows: Readonly<Record<string, number>>
  readonly duplicates: number
  /** What was taken over from the original; its votes are among those that the ledger counts. */
  readonly original: Original | undefined
  /** Rows and duplicates that were dropped as older than the ledger keeps, by status. */
  readonly dropped: Readonly<Record<string, number>>
  /** Counted votes by poll, according to the tally and to the ledger. */
  readonly polls: ReadonlyArray<{ readonly poll: string; readonly tally: number; readonly ledger: number }>
  readonly differences: ReadonlyArray<TallyDifference>
  /** How many of the unacked entries the ledger does not hold. */
  readonly pending: number
  /** All differences that were accepted, those of a later cut too. */
  readonly accepted: ReadonlyArray<AcceptedDifference>
  /** The entries that are accepted as missing up to the cut, by name, and those of them that the ledger holds after all. */
  readonly named: ReadonlyArray<AuditedEntry>
  readonly found: ReadonlyArray<AuditedEntry>
}

/** The votes that count by poll and option, those that were dropped or imported included. */
const countedVotes = (sql: SqlClient.SqlClient) => sql`
  select poll, choice as option, sum(votes)::bigint as count
  from (
    select poll, choice, count(*) as votes from vote_event where status = 'counted' group by poll, choice
    union all
    select poll, choice, votes from ledger_archive where status in ('counted', 'imported')
  ) every_vote
  group by poll, choice`

/**
 * Reads the ledger's side of the books, all in one snapshot: the entries accepted up to `cut`, all tallies, and which of the
 * `unacked` entries it does not hold.
 */
export const readLedger = (cut: Acceptance, unacked: ReadonlyArray<AuditedEntry>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const upToCut = sql`(accepted_ms, accepted_seq) <= (${PgTypes.int8(cut.ms)}, ${PgTypes.int8(cut.seq)})`
    return yield* inTransaction(sql)(
      Effect.gen(function* () {
        yield* sql`set transaction isolation level repeatable read, read only`
        // A snapshot does not keep a partition from being dropped; this does, from before the snapshot is taken.
        yield* sql`lock table only vote_event in access share mode`
        const statuses = yield* sql<{ status: string; count: bigint }>`
          select status, count(*) as count from vote_event where ${upToCut} group by status order by status`
        const [duplicates] = yield* sql<{ count: bigint }>`
          select count(*) as count from duplicate_entry where ${upToCut}`
        const dropped = yield* sql<{ status: string; count: bigint }>`
          select status, sum(votes)::bigint as count from ledger_archive
          where status <> 'imported' group by status order by status`
        const options = yield* sql<{ poll: string; option: string; tally: bigint; ledger: bigint }>`
          select poll, option, coalesce(t.count, 0) as tally, coalesce(v.count, 0) as ledger
          from tally t full join (${countedVotes(sql)}) v using (poll, option)
          order by poll, option`
        const accepted = yield* acceptedDifferences
        const named = namedMissing(accepted.filter((difference) => isUpTo(difference, cut)))
        const stillMissing = new Set((yield* absentOf(named)).map(placeOf))
        const counts = options.map((row) => ({ ...row, tally: Number(row.tally), ledger: Number(row.ledger) }))
        return {
          rows: Object.fromEntries(statuses.map(({ count, status }) => [status, Number(count)])),
          duplicates: Number(duplicates?.count ?? 0),
          original: yield* findOriginal,
          dropped: Object.fromEntries(dropped.map(({ count, status }) => [status, Number(count)])),
          polls: Object.entries(Array.groupBy(counts, ({ poll }) => poll)).map(([poll, list]) => ({
            poll,
            tally: list.reduce((sum, { tally }) => sum + tally, 0),
            ledger: list.reduce((sum, { ledger }) => sum + ledger, 0)
          })),
          differences: counts.filter(({ ledger, tally }) => ledger !== tally),
          pending: (yield* absentOf(unacked)).length,
          accepted,
          named,
          found: named.filter((entry) => !stillMissing.has(placeOf(entry)))
        } satisfies LedgerState
      })
    )
  })

/** Makes the tallies anew from the ledger; counting waits meanwhile. Gives how many of them were wrong. */
export const rebuildTallies = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  return yield* inTransaction(sql)(
    Effect.gen(function* () {
      // What counts takes these locks, in this order, before it changes a tally.
      yield* sql`select hold_horizon()`
      yield* sql`select 1 from poll order by ballot = 'open', slug for update`
      const changed = yield* sql<{ poll: string }>`
        update tally t
        set count = coalesce(v.count, 0)
        from tally old
        left join (${countedVotes(sql)}) v on v.poll = old.poll and v.option = old.option
        where t.poll = old.poll and t.option = old.option and t.count <> coalesce(v.count, 0)
        returning t.poll`
      const polls = Result.getOrThrow(
        PgTypes.array(
          changed.map(({ poll }) => poll),
          PgTypes.OID.text
        )
      )
      yield* sql`
        update poll
        set revision = revision + 1, last_updated = clock_timestamp(),
          ballots = coalesce((select sum(v.count) from (${countedVotes(sql)}) v where v.poll = slug), 0),
          changed_after_final = case when final_at is not null then clock_timestamp() end
        where slug = any (${polls})`
      return changed.length
    })
  )
})
