import { PgTypes } from "@effect/sql-pg"
import { Effect, Result } from "effect"
import { SqlClient } from "effect/sql"
import { type Acceptance, type AuditedEntry, isUpTo, placeOf } from "../domain/Vote.ts"
import { absentOf } from "./AbsentEntries.ts"
import { type AcceptedDifference, acceptedDifferences, namedMissing } from "./AcceptedDifferences.ts"
import { findOriginal, type Original } from "./Original.ts"
import { inTransaction } from "./Transaction.ts"

/** A choice or an option, the sum of an option, or one score of it, of which tally and ledger rows say something else. */
export interface TallyDifference {
  readonly poll: string
  readonly name: string
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

/** The votes that count by poll and choice, those that were dropped or imported included. */
const countedVotes = (sql: SqlClient.SqlClient) => sql`
  select poll, choice, sum(votes)::bigint as count
  from (
    select poll, choice, count(*) as votes from vote_event where status = 'counted' group by poll, choice
    union all
    select poll, choice, votes from ledger_archive where status in ('counted', 'imported')
  ) every_vote
  group by poll, choice`

/** The votes by option that these choices make. */
const votesOfOptions = (sql: SqlClient.SqlClient) => sql`
  select p.poll, p.kind, p.option, p.value, sum(c.counts[p.number])::bigint as votes
  from (
    select array_agg(poll) as polls, array_agg(choice) as choices, array_agg(count) as counts from counted
  ) c, choice_parts(c.polls, c.choices) p
  where p.option is not null
  group by p.poll, p.kind, p.option, p.value`

/** What differs between the tallies and the ledger's rows: counts of choices and options, sums, and counts of scores. */
const tallyDifferences = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ poll: string; name: string; tally: bigint; ledger: bigint }>`
    with counted as materialized (${countedVotes(sql)}), said as materialized (${votesOfOptions(sql)}),
    told (poll, of, name, tally, ledger) as (
      select poll, 'choice', choice, count, 0 from choice_tally
      union all select poll, 'choice', choice, 0, count from counted
      union all select poll, 'option', option, count, 0 from tally
      union all select poll, 'option', option, 0, votes from said
      union all select poll, 'sum', option || ' (sum)', sum, 0 from tally
      union all select poll, 'sum', option || ' (sum)', 0, votes * value from said where value is not null
      union all select poll, 'score', option || ':' || score, count, 0 from score_tally
      union all select poll, 'score', option || ':' || value, 0, votes from said where kind = 'score'
    )
    select distinct poll, name, sum(tally)::bigint as tally, sum(ledger)::bigint as ledger
    from told group by poll, of, name having sum(tally) <> sum(ledger) order by poll, name`
  return rows.map((row): TallyDifference => ({ ...row, tally: Number(row.tally), ledger: Number(row.ledger) }))
})

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
        const polls = yield* sql<{ poll: string; tally: bigint; ledger: bigint }>`
          select slug as poll, coalesce(t.count, 0)::bigint as tally, coalesce(v.count, 0)::bigint as ledger
          from poll
          left join (select poll, sum(count) as count from choice_tally group by poll) t on t.poll = slug
          left join (select poll, sum(count) as count from (${countedVotes(sql)}) c group by poll) v on v.poll = slug
          order by slug`
        const accepted = yield* acceptedDifferences
        const named = namedMissing(accepted.filter((difference) => isUpTo(difference, cut)))
        const stillMissing = new Set((yield* absentOf(named)).map(placeOf))
        return {
          rows: Object.fromEntries(statuses.map(({ count, status }) => [status, Number(count)])),
          duplicates: Number(duplicates?.count ?? 0),
          original: yield* findOriginal,
          dropped: Object.fromEntries(dropped.map(({ count, status }) => [status, Number(count)])),
          polls: polls.map((row) => ({ ...row, tally: Number(row.tally), ledger: Number(row.ledger) })),
          differences: yield* tallyDifferences,
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
      const changed = yield* tallyDifferences
      const polls = Result.getOrThrow(PgTypes.array([...new Set(changed.map(({ poll }) => poll))], PgTypes.OID.text))
      yield* sql`delete from choice_tally where poll = any (${polls})`
      yield* sql`delete from score_tally where poll = any (${polls})`
      yield* sql`update tally set count = 0, sum = 0 where poll = any (${polls})`
      yield* sql`update poll set ballots = 0 where slug = any (${polls})`
      yield* sql`
        with counted as materialized (select * from (${countedVotes(sql)}) c where poll = any (${polls}))
        select change_tallies(array_agg(poll), array_agg(choice), array_agg(count)) from counted`
      yield* sql`
        update poll
        set revision = revision + 1, last_updated = clock_timestamp(),
          changed_after_final = case when final_at is not null then clock_timestamp() end
        where slug = any (${polls})`
      return changed.length
    })
  )
})
