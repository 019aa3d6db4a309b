import { Context, Effect, Layer } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { int8 } from "./Parameters.ts"

/** A partition that was dropped. */
export interface Dropped {
  readonly name: string
  /** Its ledger rows; only their number by poll, choice and status is kept. */
  readonly rows: number
}

const day = 86_400_000

/** What one partition may hold, in ms. */
const widths = [day, 7 * day, 28 * day] as const
/** So many of them are kept at most, where one of the widths allows it: the database looks into each now and then. */
const most = 31

/**
 * How much time a partition covers, in ms, where the ledger keeps votes for `retention` ms: what is dropped is dropped by
 * whole partitions.
 */
export const partitionWidth = (retention: number | undefined): number =>
  widths.find((width) => retention !== undefined && retention <= most * width) ?? widths[2]

/** The ledger's partitions, each of the votes whose ids are of some time. Any number of processes may see to them. */
export class Partitions extends Context.Service<
  Partitions,
  {
    /** The database's clock, in ms since 1970. */
    readonly now: Effect.Effect<number, SqlError.SqlError>
    /** Adds the partitions that are missing for `now` and a while ahead, `width` ms each; gives their names. */
    extend(now: number, width: number): Effect.Effect<ReadonlyArray<string>, SqlError.SqlError>
    /**
     * Drops the partitions that hold only votes from before a time, in ms since 1970, and with them what the ledger knows
     * of these votes elsewhere. The tallies stay, and the number of votes by poll, choice and status.
     */
    drop(before: number): Effect.Effect<ReadonlyArray<Dropped>, SqlError.SqlError>
  }
>()("tallykeep/ledger/Partitions") {
  static readonly layer = Layer.effect(
    Partitions,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const now = Effect.map(
        sql<{ ms: bigint }>`select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as ms`,
        ([row]) => Number(row?.ms)
      )

      const extend = Effect.fn("Partitions.extend")(function* (at: number, width: number) {
        const rows = yield* sql<{ name: string }>`
          select name from extend_ledger(${int8(width)}, ${int8(Math.floor(at))}) as name`
        return rows.map(({ name }) => name)
      })

      const drop = Effect.fn("Partitions.drop")(function* (before: number) {
        const beforeMs = int8(Math.floor(before))
        const closed = yield* sql<{ name: string }>`select name from close_partitions(${beforeMs})`
        const dropped: Array<Dropped> = []
        for (const { name } of closed) {
          const [row] = yield* sql<{ rows: bigint | null }>`select drop_partition(${name}) as rows`
          if (typeof row?.rows === "bigint") dropped.push({ name, rows: Number(row.rows) })
        }
        yield* sql`select sweep_ledger(${beforeMs})`
        return dropped
      })

      return Partitions.of({ now, extend, drop })
    })
  )
}
