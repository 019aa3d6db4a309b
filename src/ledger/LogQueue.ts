import { PgTypes } from "@effect/sql-pg"
import { Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import type { OutOfService } from "../domain/Problems.ts"
import { failpoint } from "../Failpoint.ts"
import { outOfService } from "./Bounded.ts"
import { type LogRow, type LogTile, type OpenLog, readLogs } from "./LogRows.ts"
import { arrayOf, column, int8 } from "./Parameters.ts"
import { inTransaction } from "./Transaction.ts"

/** What is to be logged, as src/ledger/tables/0010_log.sql describes it. */
export interface Queued {
  readonly id: bigint
  readonly kind: string
  readonly polls: ReadonlyArray<string>
  readonly choices: ReadonlyArray<string> | null
  /** Arrays in the form in which PostgreSQL sends them (src/log/PackedArray.ts). */
  readonly voteIds: Uint8Array | null
  readonly numbers: Uint8Array | null
  readonly proofs: Uint8Array | null
  readonly payload: unknown
}

/** What a log begins with. */
export type Begun = Pick<LogRow, "origin" | "secret" | "root">

/** What becomes of a log by what was queued. */
export interface Grown extends Pick<LogRow, "opened" | "root" | "seed" | "size" | "tokens" | "waiting"> {
  readonly log: LogRow
  readonly tiles: ReadonlyArray<LogTile>
}

/**
 * So many rows are taken from the queue at once, while those before them have fewer bytes than this of votes' ids: a row may be a batch
 * of thousands of votes, or one of few, of which there may be many after an outage.
 */
const [rowsAtOnce, bytesAtOnce] = [256, 400_000]
/** The advisory lock of whoever writes into the logs. */
export const logLock = 7_461_111
const turnTimeout = "20 seconds"
const timeout = "5 seconds"

const toBigInt = (value: number | undefined): bigint | null => (value === undefined ? null : BigInt(value))

/** The queue of what is to be logged, which one process at a time brings into the logs. */
export class LogQueue extends Context.Service<
  LogQueue,
  {
    /**
     * Brings the next rows into the logs, in one transaction: reads them in order, begins logs that are not there yet, has `step`
     * say what the logs become, stores that, and deletes the rows. Returns how many rows there were: none too while another
     * process is at it.
     */
    turn<E>(
      begin: (poll: string) => Begun,
      step: (rows: ReadonlyArray<Queued>, logs: ReadonlyArray<OpenLog>) => Effect.Effect<ReadonlyArray<Grown>, E>
    ): Effect.Effect<number, E | OutOfService>
    /** For how long the oldest row has been waiting, in s; undefined where none is. */
    readonly lag: Effect.Effect<number | undefined, OutOfService>
    /** Takes the logs from polls that none was begun for in so many seconds; returns how many there were. */
    turnOff(age: number): Effect.Effect<number, OutOfService>
  }
>()("tallykeep/ledger/LogQueue") {
  static readonly layer = Layer.effect(
    LogQueue,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const storeTiles = ({ log, tiles }: Grown) => {
        return sql`
          insert into log_tile (poll, number, level, place, data, from_ms, to_ms)
          select ${log.poll}, ${PgTypes.int4(log.number)}, t.*
          from unnest(
            ${column(tiles, "int4", ({ level }) => level)}, ${column(tiles, "int8", ({ place }) => BigInt(place))},
            ${column(tiles, "bytea", ({ data }) => data)},
            ${column(tiles, "int8", ({ fromMs }) => toBigInt(fromMs))}, ${column(tiles, "int8", ({ toMs }) => toBigInt(toMs))}
          ) as t
          on conflict (poll, number, level, place) do update
          set data = excluded.data, from_ms = excluded.from_ms, to_ms = excluded.to_ms`
      }

      const store = Effect.fnUntraced(function* (grown: Grown) {
        const { log, opened, root, seed, size, tiles, tokens, waiting } = grown
        if (tiles.length > 0) yield* storeTiles(grown)
        const moved = yield* sql`
          update log set size = ${int8(size)}, root = ${PgTypes.bytea(root)}, seed = ${PgTypes.bytea(seed)},
            waiting = ${PgTypes.jsonb(waiting)}, opened = ${opened}, tokens = ${int8(tokens)}
          where poll = ${log.poll} and number = ${PgTypes.int4(log.number)} and size = ${int8(log.size)}
          returning poll`
        if (moved.length === 0) return yield* Effect.die(new Error(`The log of ${log.poll} has grown elsewhere`))
      })

      const openLogs = Effect.fnUntraced(function* (polls: ReadonlyArray<string>, begin: (poll: string) => Begun) {
        const wanted = arrayOf("text", polls)
        const missing = yield* sql<{ slug: string }>`
          select slug from poll where slug = any (${wanted}) and log and not exists (select from log where poll = slug)`
        for (const { slug } of missing) {
          const { origin, root, secret } = begin(slug)
          yield* sql`insert into log (poll, number, origin, secret, root)
            values (${slug}, 1, ${origin}, ${PgTypes.bytea(secret)}, ${PgTypes.bytea(root)})`
        }
        return yield* readLogs(sql, wanted)
      })

      const turn: LogQueue["Service"]["turn"] = (begin, step) =>
        inTransaction(sql)(
          Effect.gen(function* () {
            const [row] = yield* sql<{ held: boolean }>`
              select pg_try_advisory_xact_lock(${int8(logLock)}) as held`
            if (row?.held !== true) return 0
            const rows = yield* sql<Queued>`
              select id, kind, polls, choices, array_send(vote_ids) as "voteIds", array_send(numbers) as numbers,
                array_send(proofs) as proofs, payload
              from log_queue
              where id <= (
                select max(id) from (
                  select id, sum(bytes) over (order by id) - bytes as before
                  from (
                    select id, coalesce(pg_column_size(vote_ids), 0) as bytes
                    from log_queue order by id limit ${PgTypes.int4(rowsAtOnce)}
                  ) first
                ) sized
                where before < ${PgTypes.int4(bytesAtOnce)}
              )
              order by id`
            if (rows.length === 0) return 0
            const logs = yield* openLogs([...new Set(rows.flatMap(({ polls }) => polls))], begin)
            for (const grown of yield* step(rows, logs)) yield* store(grown)
            yield* sql`delete from log_queue where id = any (${column(rows, "int8", ({ id }) => id)})`
            failpoint("log-before-commit")
            return rows.length
          })
        ).pipe(outOfService(turnTimeout))

      const lag = sql<{ seconds: number }>`
        select extract(epoch from clock_timestamp() - queued_at)::float8 as seconds
        from log_queue order by id limit 1`.pipe(
        outOfService(timeout),
        Effect.map(([row]) => row?.seconds)
      )

      const turnOff = (age: number) =>
        sql`update poll set log = false
          where log and not draft and created_at < clock_timestamp() - make_interval(secs => ${PgTypes.float8(age)})
            and not exists (select from log where poll = slug)
          returning slug`.pipe(
          Effect.tap(
            () => sql`delete from log_queue where not exists (select from poll where slug = any (polls) and log)`
          ),
          outOfService(timeout),
          Effect.map((rows) => rows.length)
        )

      return LogQueue.of({ turn, lag, turnOff })
    })
  )
}
