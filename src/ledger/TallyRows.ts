import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { OptionTally, ScoreCount } from "../domain/OptionResult.ts"
import type { PollTimes } from "../domain/PollStatus.ts"
import type { Kind } from "../domain/Rules.ts"
import type { TabulationAt, Tally } from "../domain/Tally.ts"

/** What an option's ballots add up to: at present, and when the result became final. */
interface OptionRow {
  readonly option: string
  readonly count: number
  readonly sum: number
  readonly finalCount?: number
  readonly finalSum?: number
  /** Of the kind `score`, where a ballot gives one. */
  readonly scores?: ReadonlyArray<ScoreCount>
}

/** What the function read_tally returns; times are in ms since 1970. */
interface TallyRow extends PollTimes {
  readonly version: number
  readonly revision: number
  /** A standby can't tell it. */
  readonly epoch?: string
  readonly updatedMs: number
  /** When the result changed after it had become final, the last time. */
  readonly changedMs?: number
  readonly kind: Kind
  readonly seats?: number
  readonly ballots: number
  /** Not there before the first abstention. */
  readonly abstained?: number
  /** Another one whenever the poll was tabulated anew. */
  readonly tabulated?: string
  /** In the poll's order. */
  readonly options: ReadonlyArray<OptionRow>
}

/** What the database says of a poll's tally. */
export interface TallyRows {
  readonly poll: string
  readonly row: TallyRow | undefined
  readonly tabulation: TabulationAt | undefined
}

/** Stands for the epoch while only a standby has answered. */
const unknownEpoch = "00000000"

const toTotal = (kind: Kind, option: string, count: number, sum: number) => ({
  option,
  count,
  ...(kind === "score" || kind === "points" ? { sum } : {})
})

const toOption = (kind: Kind, { count, option, scores = [], sum }: OptionRow): OptionTally => ({
  ...toTotal(kind, option, count, sum),
  ...(kind === "score" ? { scores } : {})
})

/** Returns the tally; undefined of a poll that does not exist. `epoch` is for the rows of a standby, which can't tell it. */
export const toTally = ({ poll, row, tabulation }: TallyRows, epoch = unknownEpoch): Tally | undefined => {
  if (row === undefined) return undefined
  const { abstained = 0, changedMs, options, seats = 1, tabulated: _, updatedMs, ...rest } = row
  const { kind } = row
  return {
    poll,
    epoch,
    ...rest,
    lastUpdated: new Date(updatedMs),
    seats,
    options: options.map((option) => toOption(kind, option)),
    abstained,
    ...(tabulation === undefined ? {} : { tabulation }),
    ...(changedMs === undefined
      ? {}
      : {
          changedAfterFinal: {
            at: new Date(changedMs),
            counts: options.map(({ finalCount = 0, finalSum = 0, option }) =>
              toTotal(kind, option, finalCount, finalSum)
            )
          }
        })
  }
}

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
      const [read] = yield* sql<{ row: TallyRow | null }>`select read_tally(${poll}) as row`
      const row = read?.row ?? undefined
      const tabulated = row?.tabulated
      const last = known.get(poll)
      if (tabulated === undefined) return { poll, row, tabulation: undefined }
      if (last?.tabulated === tabulated) return { poll, row, tabulation: last.tabulation }
      const tabulation = yield* readTabulation(sql, poll)
      // It may be of a later tally than the one that was read.
      return { poll, row, tabulation }
    })
}
