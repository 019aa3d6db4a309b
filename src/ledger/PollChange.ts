import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import type { Poll } from "../domain/Poll.ts"
import { changesOf, toDefinition } from "../domain/PollEdit.ts"
import { PollExists } from "../domain/Problems.ts"
import { type Act, recordAct } from "./AdminEvents.ts"
import { int8 } from "./Parameters.ts"
import { insertPoll, type PollRow, pollColumns, seedOf, toPoll, updatePoll } from "./PollRows.ts"

/** A poll as it is when an act is decided, which nothing changes until that is done. */
export interface Current {
  readonly poll: Poll
  /** Whether votes count in it. */
  readonly hasVotes: boolean
  /** Whether the ledger no longer keeps what would decide over its votes anew. */
  readonly isDecided: boolean
}

/** Returns a poll under its lock, which counting takes after the horizon's; undefined where there is no such poll. */
export const lockPoll = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, slug: string) {
  yield* sql`select hold_horizon()`
  yield* sql`select 1 from poll where slug = ${slug} for update`
  const [row] = yield* sql<PollRow & { ballots: bigint; decided: boolean }>`
    select ${pollColumns(sql)}, p.ballots, p.decided from poll p where p.slug = ${slug}`
  return row && { poll: toPoll(row), hasVotes: row.ballots > 0n, isDecided: row.decided }
})

/** Has it written into a poll's public log how many tokens were made for its voters until now, if any were. */
const logTokens = (sql: SqlClient.SqlClient, slug: string) =>
  sql`
    select log_append(${slug}, 'tokens', jsonb_build_object('made', made))
    from (select sum((after ->> 'count')::int) as made from admin_event where poll = ${slug} and what = 'tokens') record
    where made > 0`

/** Returns when a poll takes no votes, as text, of the time before `ms`. */
const closedBefore = ({ closesMs, opensMs, shut }: Poll, ms: number): string => {
  const closed = [[0, opensMs ?? 0], ...(shut ?? []), [closesMs ?? ms, ms]]
  const before = closed.map(([from = 0, to = ms]) => [from, Math.min(to, ms)] as const)
  return JSON.stringify(before.filter(([from, to]) => from < to))
}

/** Has the viewers of a poll see it, none of whose votes changes. */
export const showChanged = (sql: SqlClient.SqlClient, slug: string) =>
  sql`select change_tallies(array[${slug}], array[null::text], array[0::bigint])`

/**
 * Has the votes of a poll decided over by its new times, and its viewers see them. Where all votes were accepted `votesBefore`, in ms, and
 * the former times say the same of those, no vote is looked at. Of many votes that would take longer than until the poll closes: whoever
 * votes meanwhile is told that the vote is taken.
 */
const settle = (sql: SqlClient.SqlClient, before: Poll, poll: Poll, votesBefore: number) => {
  const changes = (ms: number) => closedBefore(before, ms) !== closedBefore(poll, ms)
  if (changes(votesBefore)) return sql`select settle_poll(${poll.slug})`
  if (!changes(Number.POSITIVE_INFINITY)) return Effect.void
  return showChanged(sql, poll.slug)
}

/**
 * Writes what an act makes of a poll that is locked, and what follows: in its public log, and for votes that were counted, which were
 * all accepted before a time, in ms.
 */
export const changePoll = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  what: Act,
  before: Poll,
  poll: Poll,
  votesBefore: number
) {
  yield* updatePoll(sql, before, poll)
  const isReopened = JSON.stringify(before.shut) !== JSON.stringify(poll.shut)
  const leaf = what === "close" ? "close" : isReopened ? "reopen" : "poll"
  const said = what === "close" ? { at: poll.closesMs } : { decides: changesOf(before, poll).fixed.length > 0 }
  if (before.finalMs !== undefined && poll.closesMs !== before.closesMs) {
    // The seed of its draws is known by now: votes could be cast for what it draws.
    yield* sql`
      update poll set final_at = null, changed_after_final = null, tie_seed = ${seedOf(poll)} where slug = ${poll.slug}`
    yield* sql`update tally set final_count = null, final_sum = null where poll = ${poll.slug}`
  }
  yield* sql`select log_append(${poll.slug}, ${leaf}, ${JSON.stringify(said)}::jsonb)`
  // Its log begins now: it is to say how many links were made before.
  if (before.draft && !poll.draft) yield* logTokens(sql, poll.slug)
  yield* settle(sql, before, poll, votesBefore)
  // Where the result stays final, the log ends with it again.
  yield* sql`select log_result(${poll.slug})`
})

/** Writes a new poll, and what follows. Where there was one of the name before, no vote counts that was accepted before `from`, in ms. */
export const createPoll = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, poll: Poll, from: number, what: Act) {
  // Waits for the end of a former one's deletion, which only then can be seen.
  yield* insertPoll(sql, poll)
  const [former] = yield* sql`select 1 from admin_event where poll = ${poll.slug} and what = 'delete' limit 1`
  // Whoever keeps a checkpoint of that one's public log would take this one's for forged.
  const [logged] = yield* sql`select 1 from log where poll = ${poll.slug} limit 1`
  if (logged !== undefined) return yield* new PollExists({ detail: `There was a poll ${poll.slug} with a public log` })
  // What was accepted for the former one may wait in the stream yet. And whoever knows that one is to go on with this one: its
  // revisions and versions are higher than any of that one, which rose by less than one a ms.
  if (former !== undefined)
    yield* sql`
      update poll set opens_ms = greatest(opens_ms, ${int8(from)}), revision = now.ms, version = now.ms
      from (select floor(extract(epoch from clock_timestamp()) * 1000) as ms) now
      where slug = ${poll.slug}`
  yield* sql`select log_append(${poll.slug}, 'poll')`
  yield* recordAct(sql, poll.slug, what, null, toDefinition(poll))
  const [row] = yield* sql<PollRow>`select ${pollColumns(sql)} from poll p where p.slug = ${poll.slug}`
  return row === undefined ? poll : toPoll(row)
})
