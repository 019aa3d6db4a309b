import { PgTypes } from "@effect/sql-pg"
import type { SqlClient } from "effect/sql"
import { int8 } from "./Parameters.ts"
import { type PollRow, pollColumns } from "./PollRows.ts"

/** Which polls a search is for, and where in the list it goes on. */
export interface Search {
  readonly text: string
  /** A status, or `archived`; without one, all that are not archived. */
  readonly status: string | undefined
  readonly after: string | undefined
  readonly limit: number
}

/** Reads the polls that a search finds at a time in ms, the newest first, drafts among them. */
export const searchPolls = (sql: SqlClient.SqlClient, { after, limit, status, text }: Search, now: number) =>
  sql<PollRow>`
    with asked as (
      select ${PgTypes.text(text.toLowerCase())} as text, ${PgTypes.text(status ?? null)} as status,
        ${PgTypes.text(after ?? null)} as after, ${int8(now)} as now,
        coalesce((select created_at from poll where slug = ${PgTypes.text(after ?? null)}), 'infinity') as made
    )
    select ${pollColumns(sql)}
    from asked a cross join poll p
    where (a.text = '' or strpos(lower(p.title), a.text) > 0 or strpos(p.slug, a.text) > 0)
      and p.archived = (a.status is not distinct from 'archived')
      and (a.status is null or a.status = case
        when p.archived then 'archived'
        when p.draft then 'draft'
        when p.final_at is not null then 'final'
        when p.closes_ms <= a.now then 'counting'
        when p.opens_ms > a.now or p.shut @> a.now then 'upcoming'
        else 'open' end)
      and p.created_at <= a.made and (p.created_at < a.made or p.slug > a.after)
    order by p.created_at desc, p.slug
    limit ${limit}`
