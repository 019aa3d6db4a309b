import type { PgTypes } from "@effect/sql-pg"
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"

/** A poll's log, as the ledger keeps it. */
export interface LogRow {
  readonly poll: string
  /** 1 for the first, which is given up for another one where it can't go on (restart_log). */
  readonly number: number
  readonly origin: string
  readonly secret: Uint8Array
  /** Opens the choices, where they are hidden. */
  readonly seed: Uint8Array | null
  /** Whether the log has its end: the seed, and the final result. */
  readonly opened: boolean
  readonly size: number
  readonly root: Uint8Array
  /** The leaves that wait for others. */
  readonly waiting: ReadonlyArray<WaitingLeaf>
  readonly tokens: number
  /** The last signed checkpoint of the log before this one. */
  readonly former: string | null
}

/** A leaf that is not in the log yet: of which vote, when that was made, where it is new, in ms, and its text. */
export type WaitingLeaf = readonly [id: string, ms: number | null, line: string]

/** The level that bundles of leaves are kept at. */
export const bundleLevel = -1

/** A tile of hashes, from level 1, or a bundle of leaves, with when its new votes were made, from and to, in ms. */
export interface LogTile {
  readonly level: number
  readonly place: number
  readonly data: Uint8Array
  readonly fromMs: number | undefined
  readonly toMs: number | undefined
}

/** A log with its right edge: the tiles and the bundle that are not full. */
export interface OpenLog extends LogRow {
  readonly edge: ReadonlyArray<LogTile>
}

interface Row extends Omit<LogRow, "size" | "tokens"> {
  readonly size: bigint
  readonly tokens: bigint
}

interface TileRow {
  readonly poll: string
  readonly level: number
  readonly place: bigint
  readonly data: Uint8Array
  readonly fromMs: bigint | null
  readonly toMs: bigint | null
}

const toTile = ({ data, fromMs, level, place, toMs }: TileRow): LogTile => ({
  level,
  place: Number(place),
  data,
  fromMs: fromMs === null ? undefined : Number(fromMs),
  toMs: toMs === null ? undefined : Number(toMs)
})

/** Reads the present logs of some polls, with what they grow from. */
export const readLogs = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, polls: PgTypes.Parameter) {
  const rows = yield* sql<Row>`
    select distinct on (l.poll) l.poll, l.number, l.origin, l.secret, l.seed, l.opened, l.size, l.root, l.waiting, l.tokens,
      (select f.checkpoint from log f where f.poll = l.poll and f.number = l.number - 1) as former
    from log l where l.poll = any (${polls})
    order by l.poll, l.number desc`
  const tiles = yield* sql<TileRow>`
    select t.poll, t.level, t.place, t.data, t.from_ms as "fromMs", t.to_ms as "toMs"
    from (select distinct on (poll) poll, number, size from log where poll = any (${polls}) order by poll, number desc) l
    cross join generate_series(-1, 5) as edge (level)
    join log_tile t on t.poll = l.poll and t.number = l.number and t.level = edge.level
      and t.place = l.size >> (8 * (greatest(edge.level, 0) + 1))
    order by t.level`
  return rows.map(
    ({ size, tokens, ...row }): OpenLog => ({
      ...row,
      size: Number(size),
      tokens: Number(tokens),
      edge: tiles.filter(({ poll }) => poll === row.poll).map(toTile)
    })
  )
})
