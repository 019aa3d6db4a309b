import { Context, type Duration, Effect, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import type { OutOfService } from "../domain/Problems.ts"
import type { Tally } from "../domain/Tally.ts"
import { elapsed } from "../Elapsed.ts"
import { outOfService } from "./Bounded.ts"
import { makeReadTally, toTally } from "./TallyRows.ts"

/** A streaming replica of the database that results are read from; undefined where there is none. */
export const Replica = Context.Reference<SqlClient.SqlClient | undefined>("tallykeep/ledger/Replica", {
  defaultValue: () => undefined
})

const timeout = "5 seconds"
/** Where another may be asked after it. */
const shortTimeout = "1 second"
/** How long the primary may take to say how far it has written. */
const positionTimeout = "300 millis"

/** How long a replica has to catch up with that: in all, 35 ms. */
const catchUp = { schedule: Schedule.exponential("5 millis"), times: 3 }
/** For how long one that has not, or does not answer, is left alone, in ms. */
const replicaPause = 2_000

type ReadTally = (poll: string) => Effect.Effect<Tally | undefined, OutOfService>

/**
 * Makes the reading of tallies; undefined is a poll that does not exist. Where there is a replica it gets to answer, if it
 * has replayed all that the primary had written when it was asked. While the primary is away its answer is taken as it is,
 * but never one from before an answer given earlier.
 */
export const makeTallies: Effect.Effect<ReadTally, never, SqlClient.SqlClient> = Effect.gen(function* () {
  const primary = yield* SqlClient.SqlClient
  const replica = yield* Replica
  const readTally = makeReadTally()
  const askPrimary = Effect.fn("Ledger.tally")((poll: string, limit: Duration.Input) =>
    readTally(primary, poll).pipe(
      outOfService(limit),
      Effect.map((read) => toTally(read))
    )
  )
  if (replica === undefined) return (poll: string) => askPrimary(poll, timeout)

  /** The epoch, as the primary told it last. */
  let epoch: string | undefined
  const position = primary<{ lsn: string; epoch: string | null }>`
    select pg_current_wal_lsn()::text as lsn, ledger_epoch() as epoch`.pipe(
    outOfService(positionTimeout),
    Effect.map(([row]) => {
      epoch = row?.epoch ?? epoch
      return row?.lsn
    }),
    Effect.orElseSucceed(() => undefined)
  )

  /** Whether the replica has replayed the primary's log up to a position. */
  const hasReplayed = (sql: SqlClient.SqlClient, at: string) =>
    Effect.map(
      sql<{ replayed: boolean }>`select coalesce(pg_last_wal_replay_lsn() >= ${at}::pg_lsn, false) as replayed`,
      ([row]) => row?.replayed === true
    )

  /**
   * The replica's tally, if it has replayed up to `at`. That is asked first: what a statement sees is older than what the
   * same statement can say of the log.
   */
  const askReplica = Effect.fn("Ledger.tally.replica")((poll: string, at: string | undefined) =>
    Effect.gen(function* () {
      if (at !== undefined && !(yield* hasReplayed(replica, at))) return { tally: undefined, fresh: false }
      return { tally: toTally(yield* readTally(replica, poll), epoch), fresh: true }
    }).pipe(outOfService(shortTimeout))
  )

  let pausedUntil = Number.NEGATIVE_INFINITY
  let away = false
  const askFreshReplica = Effect.fnUntraced(function* (poll: string, at: string | undefined) {
    const now = yield* elapsed
    if (at === undefined || now < pausedUntil) return undefined
    const answer = yield* askReplica(poll, at).pipe(
      Effect.repeat({ ...catchUp, until: ({ fresh }) => fresh }),
      Effect.tapError((error) => (away ? Effect.void : Effect.logWarning(`Without the replica: ${error.message}`))),
      Effect.orElseSucceed(() => undefined)
    )
    away = answer === undefined
    if (answer?.fresh === true) return answer.tally
    pausedUntil = now + replicaPause
    return undefined
  })

  /** The latest revision given, by poll. */
  const given = new Map<string, number>()
  const give = (tally: Tally | undefined) => {
    if (tally !== undefined) given.set(tally.poll, tally.revision)
    return tally
  }

  return Effect.fnUntraced(function* (poll: string) {
    const at = yield* position
    const replicated = yield* askFreshReplica(poll, at)
    if (replicated !== undefined) return give(replicated)
    // A primary that has not said how far it is may be hanging.
    return yield* askPrimary(poll, at === undefined ? shortTimeout : timeout).pipe(
      Effect.map(give),
      Effect.catch((error) =>
        Effect.flatMap(askReplica(poll, undefined), ({ tally }) =>
          tally === undefined || tally.revision < (given.get(poll) ?? 0)
            ? Effect.fail(error)
            : Effect.succeed(give(tally))
        )
      )
    )
  })
})
