import { randomBytes } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import type { Poll, PollOption } from "../domain/Poll.ts"
import { showRules } from "../domain/PollRules.ts"
import { type Kind, type Method, rulesOf, type TieBreak } from "../domain/Rules.ts"
import { int8 } from "./Parameters.ts"

// How a poll stands in its rows: one of `poll`, and one of `tally` for each option.

/** A column of the rules: null where the poll's kind has no such field. */
interface RuleColumns {
  readonly min: number | null
  readonly max: number | null
  readonly every: boolean | null
  readonly budget: number | null
  readonly spend_all: boolean | null
  readonly method: Method | null
  readonly seats: number | null
  readonly tie_break: TieBreak | null
}

export interface PollRow
  extends RuleColumns,
    Pick<Poll, "slug" | "title" | "ballot" | "identity" | "results" | "abstain"> {
  readonly kind: Kind
  readonly description: string | null
  readonly challenge: "pow" | null
  readonly log: boolean
  readonly tieSeedHash: string | null
  readonly opensMs: bigint | null
  readonly closesMs: bigint | null
  readonly finalMs: number | null
  /** In hex, of a poll that is final. */
  readonly tieSeed: string | null
  readonly version: bigint
  readonly draft: boolean
  readonly listed: boolean
  readonly archived: boolean
  readonly editedMs: number | null
  readonly shut: NonNullable<Poll["shut"]> | null
  readonly options: ReadonlyArray<PollOption> | null
}

/** Those columns of a PollRow that are of `poll p` alone. */
export const ownColumns = (sql: SqlClient.SqlClient) => sql`
  p.slug, p.title, p.description, p.ballot, p.identity, p.results, p.challenge, p.log, p.kind, p.min, p.max, p.every, p.budget,
  p.spend_all, p.method, p.seats, p.tie_break, p.abstain, p.version, p.draft, p.listed, p.archived,
  encode(sha256(p.tie_seed), 'hex') as "tieSeedHash",
  p.opens_ms as "opensMs", p.closes_ms as "closesMs", floor(extract(epoch from p.final_at) * 1000)::float8 as "finalMs",
  floor(extract(epoch from p.edited_at) * 1000)::float8 as "editedMs",
  shut_times(p.shut) as shut,
  case when p.final_at is not null then encode(p.tie_seed, 'hex') end as "tieSeed"`

/** The columns of `poll p` that make a PollRow. */
export const pollColumns = (sql: SqlClient.SqlClient) => sql`${ownColumns(sql)},
  (select json_agg(json_build_object('id', option, 'label', label) order by position) from tally where poll = p.slug) as options`

export const toPoll = ({ closesMs, editedMs, finalMs, opensMs, ...row }: PollRow): Poll => {
  const options = row.options ?? []
  return {
    slug: row.slug,
    title: row.title,
    ...(row.description === null ? {} : { description: row.description }),
    options,
    rules: rulesOf({ kind: row.kind, options, ...withoutNulls(row) }),
    abstain: row.abstain,
    ...(row.tieSeedHash === null ? {} : { tieSeedHash: row.tieSeedHash }),
    ...(row.tieSeed === null ? {} : { tieSeed: row.tieSeed }),
    ballot: row.ballot,
    identity: row.identity,
    results: row.results,
    ...(row.challenge === null ? {} : { challenge: row.challenge }),
    ...(row.log ? {} : { log: "off" }),
    ...(opensMs === null ? {} : { opensMs: Number(opensMs) }),
    ...(closesMs === null ? {} : { closesMs: Number(closesMs) }),
    ...(row.shut === null ? {} : { shut: row.shut }),
    ...(finalMs === null ? {} : { finalMs }),
    version: Number(row.version),
    ...(row.draft ? { draft: true } : {}),
    ...(row.listed ? { listed: true } : {}),
    ...(row.archived ? { archived: true } : {}),
    ...(editedMs === null ? {} : { editedMs })
  }
}

const withoutNulls = (row: RuleColumns) => ({
  min: row.min ?? undefined,
  max: row.max ?? undefined,
  every: row.every ?? undefined,
  budget: row.budget ?? undefined,
  spend_all: row.spend_all ?? undefined,
  method: row.method ?? undefined,
  seats: row.seats ?? undefined,
  tie_break: row.tie_break ?? undefined
})

/** What of a poll's row its organiser decides, by column. */
const decided = (sql: SqlClient.SqlClient, poll: Poll) => {
  const rules = showRules(poll.rules, poll.abstain)
  const shut = poll.shut?.map(([from, to]) => `[${from},${to})`).join(",")
  return {
    title: poll.title,
    description: PgTypes.text(poll.description ?? null),
    ballot: poll.ballot,
    identity: poll.identity,
    results: poll.results,
    challenge: PgTypes.text(poll.challenge ?? null),
    opens_ms: int8(poll.opensMs),
    closes_ms: int8(poll.closesMs),
    shut: sql`${PgTypes.text(shut === undefined ? null : `{${shut}}`)}::int8multirange`,
    kind: rules.kind,
    min: PgTypes.int4(rules.min ?? null),
    max: PgTypes.int4(rules.max ?? null),
    every: PgTypes.bool(rules.every ?? null),
    budget: PgTypes.int4(rules.budget ?? null),
    spend_all: PgTypes.bool(rules.spend_all ?? null),
    method: PgTypes.text(rules.method ?? null),
    seats: PgTypes.int4(rules.seats ?? null),
    tie_break: PgTypes.text(rules.tie_break ?? null),
    abstain: poll.abstain,
    draft: poll.draft ?? false,
    listed: poll.listed ?? false,
    archived: poll.archived ?? false
  }
}

const insertOptions = (sql: SqlClient.SqlClient, { options, slug }: Poll) =>
  Effect.forEach(
    options.entries(),
    ([position, { id, label }]) =>
      sql`insert into tally (poll, option, label, position) values (${slug}, ${id}, ${label}, ${position})`,
    { discard: true }
  )

/** A new seed of a poll's draws, where it has any. */
export const seedOf = ({ rules }: Poll) => PgTypes.bytea(rules.kind === "ranked" ? randomBytes(32) : null)

/** Writes the rows of a new poll. */
export const insertPoll = (sql: SqlClient.SqlClient, poll: Poll) => {
  const row = decided(sql, poll)
  return Effect.andThen(
    sql`
      insert into poll (slug, log, tie_seed, ${sql.csv(Object.keys(row))})
      values (${poll.slug}, ${poll.log !== "off"}, ${seedOf(poll)}, ${sql.csv(Object.values(row).map((value) => sql`${value}`))})`,
    insertOptions(sql, poll)
  )
}

/** Writes what has changed of a poll; its options, where these are others than before, only while it has no votes. */
export const updatePoll = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, before: Poll, poll: Poll) {
  const row = Object.entries(decided(sql, poll))
  yield* sql`
    update poll set ${sql.csv(row.map(([column, value]) => sql`${sql(column)} = ${value}`))},
      tie_seed = case when ${poll.rules.kind} = 'ranked' then coalesce(tie_seed, ${seedOf(poll)}) end,
      version = version + 1, revision = revision + 1, last_updated = clock_timestamp()
    where slug = ${poll.slug}`
  const ids = (of: Poll) => of.options.map(({ id }) => id).join(" ")
  if (ids(before) === ids(poll)) {
    yield* Effect.forEach(
      poll.options,
      ({ id, label }) => sql`update tally set label = ${label} where poll = ${poll.slug} and option = ${id}`,
      { discard: true }
    )
  } else {
    for (const table of ["score_tally", "choice_tally", "tabulation", "tally"]) {
      yield* sql`delete from ${sql(table)} where poll = ${poll.slug}`
    }
    yield* insertOptions(sql, poll)
  }
})
