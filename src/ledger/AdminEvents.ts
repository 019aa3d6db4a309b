import { PgTypes } from "@effect/sql-pg"
import type { SqlClient } from "effect/sql"

// The record of what organisers did.

/** What an organiser does with a poll. */
export type Act = "create" | "edit" | "close" | "reopen" | "duplicate" | "archive" | "delete" | "tokens"

/** A row of the record. Of a poll it has what its definition says. */
export interface AdminEvent {
  readonly id: number
  readonly at: string
  readonly who: string
  readonly what: Act
  readonly before: unknown
  readonly after: unknown
}

const json = (value: unknown) => PgTypes.text(value === null ? null : JSON.stringify(value))

/** Writes a row of the record. */
export const recordAct = (sql: SqlClient.SqlClient, slug: string, what: Act, before: unknown, after: unknown) =>
  sql`insert into admin_event (poll, who, what, before, after)
    values (${slug}, 'admin', ${what}, ${json(before)}::jsonb, ${json(after)}::jsonb)`

/** Reads the record of a poll, the latest first: at most `limit`, before the one with the id `before`. */
export const readEvents = (sql: SqlClient.SqlClient, slug: string, limit: number, before = 2_147_483_647) =>
  sql<AdminEvent>`
    select id::int, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at, who, what, before, after
    from admin_event where poll = ${slug} and id < ${before}
    order by id desc limit ${limit}`
