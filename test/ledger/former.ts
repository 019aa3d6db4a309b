import { PgTypes } from "@effect/sql-pg"
import { Effect, type Redacted, Result } from "effect"
import { SqlClient } from "effect/sql"
import type { Acceptance } from "../../src/domain/Vote.ts"
import { layerPostgres } from "../../src/layers/PostgresClient.ts"
import type { DeadEntry } from "../../src/ledger/Ledger.ts"
import { type LedgerSchema, ledgerSchema } from "../../src/ledger/LedgerSchema.ts"
import type { AcceptedVote } from "../../src/ledger/VoteColumns.ts"

/*
 * What the version before this one needs of the database and says to it, word for word: it runs beside this one during an
 * update. With each release, this file becomes what that release says (CONTRIBUTING.md). Nothing is released yet, so this
 * version stands for the one before.
 */

export const schema: LedgerSchema = ledgerSchema

/** A connection to the database at `url`, as that version makes it. */
export const layer = (url: Redacted.Redacted) => layerPostgres(url, 4)

const column = <T, A>(list: ReadonlyArray<T>, oid: number, value: (one: T) => A) =>
  Result.getOrThrow(PgTypes.array(list.map(value), oid))

const voterOf = ({ voter }: AcceptedVote) => (voter === undefined ? null : Buffer.from(voter, "base64url"))

const columnsOf = (votes: ReadonlyArray<AcceptedVote>) => {
  const nameOf = ({ choice, poll }: AcceptedVote) => `${poll}/${choice}`
  const choices = [...new Map(votes.map((vote) => [nameOf(vote), vote])).values()]
  const places = new Map(choices.map((vote, index) => [nameOf(vote), index + 1]))
  return {
    vote_ids: column(votes, PgTypes.OID.uuid, (vote) => vote.voteId),
    choices: column(votes, PgTypes.OID.int4, (vote) => places.get(nameOf(vote))),
    polls: column(choices, PgTypes.OID.text, (vote) => vote.poll),
    options: column(choices, PgTypes.OID.text, (vote) => vote.choice),
    voters: column(votes, PgTypes.OID.bytea, voterOf),
    ms: column(votes, PgTypes.OID.int8, (vote) => vote.ms),
    seqs: column(votes, PgTypes.OID.int8, (vote) => vote.seq),
    cast_ms: column(votes, PgTypes.OID.int8, (vote) => BigInt(vote.castAt))
  }
}

interface CountRow {
  readonly place: bigint | null
  readonly reason: string | null
  readonly poll: string | null
  readonly status: string | null
  readonly votes: bigint | null
}

/** Counts a batch; returns what it refused by index and reason, and what came new into the ledger. */
export const count = Effect.fnUntraced(function* (votes: ReadonlyArray<AcceptedVote>) {
  const sql = yield* SqlClient.SqlClient
  const batch = columnsOf(votes)
  const rows = yield* sql<CountRow>`select place, reason, poll, status, votes from increment_vote(
          ${batch.vote_ids}, ${batch.choices}, ${batch.polls}, ${batch.options}, ${batch.voters}, ${batch.ms},
          ${batch.seqs}, ${batch.cast_ms}, true
        )`
  return {
    recorded: rows
      .filter(({ place }) => place === null)
      .map(({ poll, status, votes }) => `${poll} ${status} ${votes}`)
      .sort(),
    refusals: rows
      .filter(({ place }) => place !== null)
      .map(({ place, reason }) => ({ index: Number(place) - 1, reason }))
  }
})

export const bury = Effect.fnUntraced(function* (entries: ReadonlyArray<DeadEntry>) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ place: bigint }>`select place from bury_votes(
          ${column(entries, PgTypes.OID.uuid, ({ voteId }) => voteId)},
          ${column(entries, PgTypes.OID.text, ({ poll }) => poll)},
          ${column(entries, PgTypes.OID.text, ({ choice }) => choice)},
          ${column(entries, PgTypes.OID.int8, ({ ms }) => ms)},
          ${column(entries, PgTypes.OID.int8, ({ seq }) => seq)},
          ${column(entries, PgTypes.OID.text, ({ reason }) => reason)},
          ${column(entries, PgTypes.OID.text, ({ stream }) => stream)},
          ${column(entries, PgTypes.OID.text, ({ entryId }) => entryId)},
          ${column(entries, PgTypes.OID.int8, ({ deliveries }) => deliveries)},
          ${column(entries, PgTypes.OID.int4, ({ fields }) => fields.length)},
          ${column(
            entries.flatMap(({ fields }) => fields),
            PgTypes.OID.bytea,
            (field) => field
          )}
        ) as place`
  return rows.length
})

export const find = Effect.fnUntraced(function* (voteId: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ poll: string | null; status: string; reason: string | null }>`
          select poll, status, reason from vote_event where vote_id = ${PgTypes.uuid(voteId)}`
  return row
})

export const keeps = Effect.fnUntraced(function* (voteId: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ kept: boolean }>`select ${PgTypes.uuid(voteId)} >= vote_id_at(ledger_horizon()) as kept`
  return row?.kept === true
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

export const ping = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ made: boolean }>`select to_regclass('tallykeep_schema') is not null as made`
  return row?.made === true
})

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
  const [row] = yield* sql<{ found: boolean }>`
          with v as (select ${PgTypes.bytea(Buffer.from(voter, "base64url"))} as voter)
          select exists (select from ballot where poll = ${poll} and voter = v.voter)
            or exists (select from vote_event where poll = ${poll} and voter = v.voter and status = 'counted') as found
          from v`
  return row?.found === true
})

export const deadLetters = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql<{ voteId: string }>`
          select v.vote_id as "voteId", v.poll, v.choice as option, v.reason, d.stream, d.entry_id as "entryId",
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

/** Fails with why the vote is still dead. */
export const replay = Effect.fnUntraced(function* (vote: AcceptedVote) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      const [acceptance] = yield* sql<Acceptance>`
              delete from vote_event where vote_id = ${PgTypes.uuid(vote.voteId)} and status = 'dead'
              returning accepted_ms as ms, accepted_seq as seq`
      yield* remove(vote.voteId)
      if (acceptance === undefined) return
      const one = columnsOf([{ ...vote, ...acceptance }])
      const [refusal] = yield* sql<{ reason: string }>`select reason from increment_vote(
              ${one.vote_ids}, ${one.choices}, ${one.polls}, ${one.options}, ${one.voters}, ${one.ms}, ${one.seqs},
              ${one.cast_ms}
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

const countedVotes = (sql: SqlClient.SqlClient) => sql`
  select poll, choice as option, sum(votes)::bigint as count
  from (
    select poll, choice, count(*) as votes from vote_event where status = 'counted' group by poll, choice
    union all
    select poll, choice, votes from ledger_archive where status in ('counted', 'imported')
  ) every_vote
  group by poll, choice`

const byStatus = (rows: ReadonlyArray<{ status: string; count: bigint }>) =>
  Object.fromEntries(rows.map(({ count, status }) => [status, Number(count)]))

/** Its audit: the ledger's rows and duplicates up to `cut`, and the options whose tally is not what the rows make. */
export const audit = Effect.fnUntraced(function* (cut: Acceptance) {
  const sql = yield* SqlClient.SqlClient
  const upToCut = sql`(accepted_ms, accepted_seq) <= (${PgTypes.int8(cut.ms)}, ${PgTypes.int8(cut.seq)})`
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`set transaction isolation level repeatable read, read only`
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
      return {
        rows: byStatus(statuses),
        duplicates: Number(duplicates?.count),
        dropped: byStatus(dropped),
        differences: options.filter(({ ledger, tally }) => ledger !== tally)
      }
    })
  )
})

/** Makes the tallies anew; returns how many of them were wrong. */
export const rebuild = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`select hold_horizon()`
      yield* sql`select 1 from poll order by ballot = 'open', slug for update`
      const changed = yield* sql<{ poll: string }>`
        update tally t
        set count = coalesce(v.count, 0)
        from tally old
        left join (${countedVotes(sql)}) v on v.poll = old.poll and v.option = old.option
        where t.poll = old.poll and t.option = old.option and t.count <> coalesce(v.count, 0)
        returning t.poll`
      const polls = column(changed, PgTypes.OID.text, ({ poll }) => poll)
      yield* sql`update poll set revision = revision + 1, last_updated = clock_timestamp() where slug = any (${polls})`
      return changed.length
    })
  )
})

export const extend = Effect.fnUntraced(function* (at: number, width: number) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql<{ name: string }>`
          select name from extend_ledger(${PgTypes.int8(BigInt(width))}, ${PgTypes.int8(BigInt(at))}) as name`
})

/** Drops what is older than a time; returns how many rows each partition had. */
export const drop = Effect.fnUntraced(function* (before: number) {
  const sql = yield* SqlClient.SqlClient
  const closed = yield* sql<{ name: string }>`select name from close_partitions(${PgTypes.int8(BigInt(before))})`
  const rows = yield* Effect.forEach(
    closed,
    ({ name }) => sql<{ rows: bigint | null }>`select drop_partition(${name}) as rows`
  )
  yield* sql`select sweep_ledger(${PgTypes.int8(BigInt(before))})`
  return rows.flat().map(({ rows }) => Number(rows))
})

/** The rows of a poll's votes, as they are exported. */
export const votes = Effect.fnUntraced(function* (poll: string) {
  const sql = yield* SqlClient.SqlClient
  const [gone] = yield* sql<{ dropped: bigint; imported: bigint }>`
      select coalesce(sum(votes) filter (where status <> 'imported'), 0)::bigint as dropped,
        coalesce(sum(votes) filter (where status = 'imported'), 0)::bigint as imported
      from ledger_archive where poll = ${poll}`
  const rows = yield* sql`
      select vote_id as "voteId", choice as option, status, reason, accepted_ms as "acceptedMs", accepted_seq as "acceptedSeq",
        encode(voter, 'hex') as voter
      from vote_event where poll = ${poll} order by accepted_ms, accepted_seq`
  return { gone: Number(gone?.dropped ?? 0n), kept: rows.length }
})
