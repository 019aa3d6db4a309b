import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { OptionTally, ScoreCount } from "../domain/OptionResult.ts"
import type { Kind } from "../domain/Rules.ts"
import type { TabulationAt, Tally } from "../domain/Tally.ts"
import { shutColumn, toShut } from "./PollRows.ts"

interface Row {
  readonly version: bigint
  readonly revision: bigint
  readonly epoch: string | null
  readonly last_updated: Date
  readonly opens_ms: bigint | null
  readonly closes_ms: bigint | null
  readonly shut: ReadonlyArray<number> | null
  readonly final_ms: number | null
  readonly changed_after_final: Date | null
  readonly kind: Kind
  readonly seats: number | null
  readonly ballots: bigint
  readonly abstained: bigint
  /** Another one whenever the poll was tabulated anew; null where it never was. */
  readonly tabulated: string | null
  readonly option: string
  readonly count: bigint
  readonly sum: bigint
  readonly scores: ReadonlyArray<ScoreCount> | null
  readonly final_count: bigint | null
  readonly final_sum: bigint | null
}

/** What the database says of a poll's tally. */
export interface TallyRows {
  readonly poll: string
  readonly rows: ReadonlyArray<Row>
  readonly tabulation: TabulationAt | undefined
}

/** Stands for the epoch while only a standby has answered. */
const unknownEpoch = "00000000"

type Total = Omit<OptionTally, "scores">

/** Returns what an option's ballots add up to: at present, or when the result became final. */
const toTotal = ({ kind, option }: Row, count: bigint | null, sum: bigint | null): Total => ({
  option,
  count: Number(count),
  ...(kind === "score" || kind === "points" ? { sum: Number(sum) } : {})
})

const toOption = (row: Row): OptionTally => ({
  ...toTotal(row, row.count, row.sum),
  ...(row.kind === "score" ? { scores: row.scores ?? [] } : {})
})

/** Returns the tally; undefined of a poll that does not exist. `epoch` is for the rows of a standby, which can't tell it. */
export const toTally = ({ poll, rows, tabulation }: TallyRows, epoch = unknownEpoch): Tally | undefined => {
  const [first] = rows
  if (first === undefined) return undefined
  return {
    poll,
    ...(first.opens_ms === null ? {} : { opensMs: Number(first.opens_ms) }),
    ...(first.closes_ms === null ? {} : { closesMs: Number(first.closes_ms) }),
    ...(first.shut === null ? {} : { shut: toShut(first.shut) }),
    ...(first.final_ms === null ? {} : { finalMs: Math.floor(first.final_ms) }),
    version: Number(first.version),
    revision: Number(first.revision),
    epoch: first.epoch ?? epoch,
    lastUpdated: first.last_updated,
    kind: first.kind,
    seats: first.seats ?? 1,
    options: rows.map(toOption),
    ballots: Number(first.ballots),
    abstained: Number(first.abstained),
    ...(tabulation === undefined ? {} : { tabulation }),
    ...(first.changed_after_final === null
      ? {}
      : {
          changedAfterFinal: {
            at: first.changed_after_final,
            counts: rows.map((row) => toTotal(row, row.final_count, row.final_sum))
          }
        })
  }
}

const select = (sql: SqlClient.SqlClient, poll: string) => sql<Row>`
  select p.version, p.revision, (select ledger_epoch()) as epoch, p.last_updated, p.opens_ms, p.closes_ms, ${shutColumn(sql)},
    extract(epoch from p.final_at)::float8 * 1000 as final_ms, p.changed_after_final, p.kind, p.seats, p.ballots,
    coalesce((select count from choice_tally where poll = p.slug and choice = '-'), 0) as abstained,
    (select revision || ' ' || made_at from tabulation where poll = p.slug and revision > 0) as tabulated,
    t.option, t.count, t.sum, t.final_count, t.final_sum,
    case when p.kind = 'score' then (
      select json_agg(json_build_object('score', score, 'count', count) order by score)
      from score_tally where poll = p.slug and option = t.option and count > 0
    ) end as scores
  from poll p
  join tally t on t.poll = p.slug
  where p.slug = ${poll}
  order by t.position`

/** A poll's tabulation as it was read last. */
interface Known {
  readonly tabulated: string
  readonly tabulation: TabulationAt
}

/** Makes the reading of tallies. A tabulation is large and changes seldom: it is read once, and kept. */
export const makeReadTally = () => {
  const known = new Map<string, Known>()

  const readTabulation = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, poll: string) {
    const [row] = yield* sql<{ tabulated: string; revision: bigint; result: string }>`
      select revision || ' ' || made_at as tabulated, revision, result from tabulation
      where poll = ${poll} and revision > 0`
    if (row === undefined) return undefined
    const tabulation: TabulationAt = { revision: Number(row.revision), tabulation: JSON.parse(row.result) }
    known.set(poll, { tabulated: row.tabulated, tabulation })
    return tabulation
  })

  return (sql: SqlClient.SqlClient, poll: string): Effect.Effect<TallyRows, SqlError.SqlError> =>
    Effect.gen(function* () {
      const rows = yield* select(sql, poll)
      const tabulated = rows[0]?.tabulated ?? undefined
      const last = known.get(poll)
      if (tabulated === undefined) return { poll, rows, tabulation: undefined }
      if (last?.tabulated === tabulated) return { poll, rows, tabulation: last.tabulation }
      const tabulation = yield* readTabulation(sql, poll)
      // It may be of a later tally than the one that was read.
      return { poll, rows, tabulation }
    })
}
