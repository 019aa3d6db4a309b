import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { defaultPoll } from "../domain/Poll.ts"
import { logLock } from "./LogQueue.ts"
import { column, int8 } from "./Parameters.ts"
import { inTransaction } from "./Transaction.ts"

/** The votes that the original has counted for an option. */
export interface OriginalCount {
  readonly option: string
  readonly votes: bigint
}

/** What was taken over from the original. */
export interface Original {
  /** Where its counts were: the database and the table. */
  readonly source: string
  readonly importedAt: Date
  readonly votes: number
  /** How many of the stream's entries it had counted. */
  readonly entries: number
}

/** Reads what was taken over; undefined where nothing was. */
export const findOriginal = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ source: string; importedAt: Date; entries: bigint; votes: bigint }>`
    select source, imported_at as "importedAt", entries,
      (select coalesce(sum(votes), 0)::bigint from ledger_archive where status = 'imported') as votes
    from original`
  return row && ({ ...row, votes: Number(row.votes), entries: Number(row.entries) } satisfies Original)
})

/**
 * Adds the original's counts to the default poll, which has no public log from then on, with the number of the stream's entries
 * that they are of, in one transaction; votes are counted meanwhile. Returns whether it did: of several calls the first does.
 */
export const bookOriginal = Effect.fnUntraced(function* (
  counts: ReadonlyArray<OriginalCount>,
  { entries, source }: Pick<Original, "entries" | "source">
) {
  const sql = yield* SqlClient.SqlClient
  const polls = column(counts, "text", () => defaultPoll.slug)
  const options = column(counts, "text", ({ option }) => option)
  const votes = column(counts, "int8", (count) => count.votes)
  return yield* inTransaction(sql)(
    Effect.gen(function* () {
      // What counts takes this lock first, and then the poll's, as change_tallies does.
      yield* sql`select hold_horizon()`
      const booked = yield* sql`
        insert into original (source, entries) values (${source}, ${int8(entries)})
        on conflict do nothing returning single`
      if (booked.length === 0) return false
      yield* sql`
        insert into ledger_archive (poll, choice, status, votes)
        select poll, choice, 'imported', votes from unnest(${polls}, ${options}, ${votes}) as c (poll, choice, votes)`
      yield* sql`select change_tallies(${polls}, ${options}, ${votes})`
      // A public log has every vote of its poll, and these are known by their numbers alone.
      yield* sql`select pg_advisory_xact_lock(${int8(logLock)})`
      yield* sql`update poll set log = false where slug = ${defaultPoll.slug}`
      yield* sql`delete from log where poll = ${defaultPoll.slug}`
      yield* sql`delete from log_tile where poll = ${defaultPoll.slug}`
      return true
    })
  )
})
