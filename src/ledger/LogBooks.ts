import { PgTypes } from "@effect/sql-pg"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { LogName } from "./LogStore.ts"

/** What the ledger has to hold against a poll's public log, but for the votes. */
export interface LogBooks {
  readonly secret: Uint8Array
  readonly seed: Uint8Array | null
  /** What is signed of it, where something is. */
  readonly signed: SignedLog | undefined
  /** The votes of which something is not in the log yet: by their `vote_id` those in the queue, by their `id` in the log the others. */
  readonly queued: ReadonlySet<string>
  readonly waiting: ReadonlySet<string>
  /** How many votes the ledger no longer holds one by one, and the lowest `vote_id` of those whose rows still change. */
  readonly dropped: number
  readonly oldest: string
  /** What the results say. */
  readonly ballots: number
  readonly counts: ReadonlyMap<string, number>
}

/** What is signed of a log: a checkpoint, of how many leaves, and the keys that check it. */
export interface SignedLog {
  readonly checkpoint: string
  readonly signedSize: number
  readonly vkeys: ReadonlyArray<string>
}

/** A vote as the ledger has it. */
export interface LedgerVote {
  readonly voteId: string
  readonly status: string
  readonly choice: string | null
}

interface LogRow {
  readonly secret: Uint8Array
  readonly seed: Uint8Array | null
  readonly waiting: ReadonlyArray<string>
  readonly vkeys: ReadonlyArray<string>
  readonly checkpoint: string | null
  readonly signedSize: bigint | null
}

/** So many votes are read at a time. */
const page = 10_000

/** Reads what there is to hold against a log, in the snapshot in which the log is read. */
export const readLogBooks = Effect.fnUntraced(function* ({ number, poll }: LogName) {
  const sql = yield* SqlClient.SqlClient
  const [log] = yield* sql<LogRow>`
    select secret, seed, array(select w ->> 0 from jsonb_array_elements(waiting) w) as waiting, vkeys, checkpoint,
      signed_size as "signedSize"
    from log where poll = ${poll} and number = ${PgTypes.int4(number)}`
  if (log === undefined) return undefined
  const queued = yield* sql<{ id: string }>`
    select unnest(vote_ids)::text as id from log_queue where ${poll} = any (polls)`
  const [held] = yield* sql<{ ballots: bigint; dropped: bigint; oldest: string }>`
    select
      coalesce((select ballots from poll where slug = ${poll}), 0)::bigint as ballots,
      coalesce((select sum(votes) from ledger_archive where poll = ${poll} and status <> 'imported'), 0)::bigint as dropped,
      vote_id_at(ledger_horizon())::text as oldest`
  const counts = yield* sql<{ id: string; count: bigint }>`select option as id, count from tally where poll = ${poll}`
  return {
    secret: log.secret,
    seed: log.seed,
    signed:
      log.signedSize === null
        ? undefined
        : { checkpoint: log.checkpoint ?? "", signedSize: Number(log.signedSize), vkeys: log.vkeys },
    waiting: new Set(log.waiting),
    queued: new Set(queued.map(({ id }) => id)),
    dropped: Number(held?.dropped ?? 0),
    oldest: held?.oldest ?? "",
    ballots: Number(held?.ballots ?? 0),
    counts: new Map(counts.map(({ count, id }) => [id, Number(count)]))
  } satisfies LogBooks
})

/** Reads the next of a poll's votes by their ids, after one of them; none are left where there is none. */
export const readLedgerVotes = Effect.fnUntraced(function* (poll: string, after: string) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql<LedgerVote>`
    select vote_id::text as "voteId", status, choice from vote
    where poll = ${poll} and vote_id > ${PgTypes.uuid(after)} order by vote_id limit ${PgTypes.int4(page)}`
})
