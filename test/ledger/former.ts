import { PgTypes } from "@effect/sql-pg"
import { Effect, Result } from "effect"
import { SqlClient } from "effect/sql"
import type { Acceptance } from "../../src/domain/Vote.ts"
import type { DeadEntry } from "../../src/ledger/Ledger.ts"
import type { AcceptedVote } from "../../src/ledger/VoteColumns.ts"

/*
 * What the version before this one says to the database, word for word: it runs beside this one during an update. With
 * each release, this file becomes what that release says, and `lastMigration` the last that it brought.
 */

/** Version 0.1.0. */
export const lastMigration = 2

const column = <T, A>(list: ReadonlyArray<T>, oid: number, value: (one: T) => A) =>
  Result.getOrThrow(PgTypes.array(list.map(value), oid))

export const count = Effect.fnUntraced(function* (votes: ReadonlyArray<AcceptedVote>) {
  const sql = yield* SqlClient.SqlClient
  const refused = yield* sql<{ place: bigint; reason: string }>`select place, reason from increment_vote(
          ${column(votes, PgTypes.OID.uuid, (vote) => vote.voteId)},
          ${column(votes, PgTypes.OID.text, (vote) => vote.poll)},
          ${column(votes, PgTypes.OID.text, (vote) => vote.option)},
          ${column(votes, PgTypes.OID.bytea, (vote) =>
            vote.voter === undefined ? null : Buffer.from(vote.voter, "base64url")
          )},
          ${column(votes, PgTypes.OID.int8, (vote) => vote.ms)},
          ${column(votes, PgTypes.OID.int8, (vote) => vote.seq)},
          ${column(votes, PgTypes.OID.int8, (vote) => BigInt(vote.castAt))}
        )`
  return refused.map(({ place, reason }) => ({ index: Number(place) - 1, reason }))
})

export const bury = Effect.fnUntraced(function* (entry: DeadEntry) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ buried: boolean }>`select bury_vote(
          ${PgTypes.uuid(entry.voteId)}, ${PgTypes.text(entry.poll)}, ${PgTypes.text(entry.option)},
          ${PgTypes.int8(entry.ms)}, ${PgTypes.int8(entry.seq)}, ${PgTypes.text(entry.reason)},
          ${PgTypes.text(entry.stream)}, ${PgTypes.text(entry.entryId)}, ${PgTypes.int8(entry.deliveries)},
          ${Result.getOrThrow(PgTypes.array(entry.fields, PgTypes.OID.bytea))}
        ) as buried`
  return rows[0]?.buried === true
})

export const find = Effect.fnUntraced(function* (voteId: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ poll: string | null; status: string; reason: string | null }>`
          select poll, status, reason from vote_event where vote_id = ${PgTypes.uuid(voteId)}`
  return row
})

export const tally = Effect.fnUntraced(function* (poll: string) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ option: string; count: bigint; status: string }>`
          select p.revision, p.last_updated, t.option, t.count,
            case when p.closes_ms <= now.ms then 'closed' when p.opens_ms > now.ms then 'upcoming' else 'open' end as status
          from poll p
          join tally t on t.poll = p.slug
          cross join (select extract(epoch from clock_timestamp()) * 1000 as ms) now
          where p.slug = ${poll}
          order by t.position`
  return Object.fromEntries(rows.map(({ count, option }) => [option, Number(count)]))
})

export const ping = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`select 1 from tally limit 1`)

export const polls = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql<{ slug: string }>`
        select p.slug, p.title, p.description, p.ballot, p.identity, p.results,
          p.opens_ms as "opensMs", p.closes_ms as "closesMs",
          (select json_agg(json_build_object('id', option, 'label', label) order by position) from tally where poll = slug) as options
        from poll p
        order by p.created_at desc, p.slug`
)

export const createPoll = Effect.fnUntraced(function* (slug: string, ballot: string) {
  const sql = yield* SqlClient.SqlClient
  const time = PgTypes.int8(null)
  yield* sql`
                insert into poll (slug, title, description, ballot, identity, results, opens_ms, closes_ms)
                values (${slug}, ${"Title"}, ${PgTypes.text(null)}, ${ballot},
                  ${ballot === "open" ? "anyone" : "token"}, ${"live"}, ${time}, ${time})`
  yield* Effect.forEach(
    ["tea", "coffee"].entries(),
    ([position, id]) =>
      sql`insert into tally (poll, option, label, position) values (${slug}, ${id}, ${id}, ${position})`,
    { discard: true }
  )
})

export const close = Effect.fnUntraced(function* (slug: string, atMs: number) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ found: boolean }>`select close_poll(${slug}, ${PgTypes.int8(BigInt(atMs))}) as found`
  return row?.found === true
})

export const hasVoted = Effect.fnUntraced(function* (poll: string, voter: string) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`select 1 from vote_event
          where poll = ${poll} and voter = ${PgTypes.bytea(Buffer.from(voter, "base64url"))} and status = 'counted'
          limit 1`
  return rows.length > 0
})

export const deadLetters = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql<{ voteId: string }>`
          select v.vote_id as "voteId", v.poll, v.option, v.reason, d.stream, d.entry_id as "entryId",
            d.deliveries, d.recorded_at as "recordedAt", d.fields
          from dead_letter d join vote_event v using (vote_id)
          where (${PgTypes.uuid(null)} is null or v.vote_id = ${PgTypes.uuid(null)})
            and (${PgTypes.text(null)} is null or v.poll = ${PgTypes.text(null)})
            and strpos(v.reason, ${PgTypes.text("")}) > 0
          order by d.recorded_at, v.vote_id
          limit ${PgTypes.int8(1_000_000n)}`
)

const remove = (voteId: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql`delete from dead_letter where vote_id = ${PgTypes.uuid(voteId)}`)

/** Gives why the vote is still dead, or nothing. */
export const replay = Effect.fnUntraced(function* (vote: AcceptedVote) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* remove(vote.voteId)
      const [row] = yield* sql<{ ms: bigint; seq: bigint }>`
              delete from vote_event where vote_id = ${PgTypes.uuid(vote.voteId)} and status = 'dead'
              returning accepted_ms as ms, accepted_seq as seq`
      if (row === undefined) return
      const [refusal] = yield* sql<{ reason: string }>`select reason from increment_vote(
              array[${PgTypes.uuid(vote.voteId)}], array[${PgTypes.text(vote.poll)}], array[${PgTypes.text(vote.option)}],
              array[${PgTypes.bytea(null)}],
              array[${PgTypes.int8(row.ms)}], array[${PgTypes.int8(row.seq)}], array[${PgTypes.int8(BigInt(vote.castAt))}]
            )`
      if (refusal !== undefined) return yield* Effect.fail(refusal.reason)
    })
  )
})

export const discard = Effect.fnUntraced(function* (voteId: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.withTransaction(
    Effect.andThen(
      remove(voteId),
      sql`update vote_event set reason = 'discarded: ' || reason
              where vote_id = ${PgTypes.uuid(voteId)} and status = 'dead' and reason not like 'discarded: %'`
    )
  )
})

/** Its audit: the ledger's rows and duplicates up to `cut`, and the options whose tally is not what the rows make. */
export const audit = Effect.fnUntraced(function* (cut: Acceptance) {
  const sql = yield* SqlClient.SqlClient
  const upToCut = sql`(accepted_ms, accepted_seq) <= (${PgTypes.int8(cut.ms)}, ${PgTypes.int8(cut.seq)})`
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`set transaction isolation level repeatable read, read only`
      const statuses = yield* sql<{ status: string; count: bigint }>`
            select status, count(*) as count from vote_event where ${upToCut} group by status order by status`
      const [duplicates] = yield* sql<{ count: bigint }>`
            select count(*) as count from duplicate_entry where ${upToCut}`
      const options = yield* sql<{ poll: string; option: string; tally: bigint; ledger: bigint }>`
            select poll, option, coalesce(t.count, 0) as tally, coalesce(v.count, 0) as ledger
            from tally t full join (
              select poll, option, count(*) as count from vote_event where status = 'counted' group by poll, option
            ) v using (poll, option)
            order by poll, option`
      return {
        rows: Object.fromEntries(statuses.map(({ count, status }) => [status, Number(count)])),
        duplicates: Number(duplicates?.count),
        differences: options.filter(({ ledger, tally }) => ledger !== tally)
      }
    })
  )
})
