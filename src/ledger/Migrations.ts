import { Effect } from "effect"
import { Migrator, SqlClient, type SqlError } from "effect/sql"
import ledger from "./migrations/0001_ledger.sql"
import incrementVote from "./migrations/0002_increment_vote.sql"
import countSummary from "./migrations/0003_count_summary.sql"
import bound from "./migrations/0004_bound.sql"
import validate from "./migrations/0005_validate.sql"
import partitions from "./migrations/0006_partitions.sql"
import buryVote from "./migrations/0007_bury_vote.sql"
import countBallots from "./migrations/0007_count_ballots.sql"
import horizon from "./migrations/0007_horizon.sql"
import incrementVoteByHorizon from "./migrations/0007_increment_vote.sql"
import settlePoll from "./migrations/0007_settle_poll.sql"
import retention from "./migrations/0008_retention.sql"
import incrementVoteAsNew from "./migrations/0009_increment_vote.sql"
import incrementVoteByChoice from "./migrations/0010_increment_vote.sql"

/** Every migration, in order; one that has run anywhere is never changed, only followed by another. */
const files: Readonly<Record<string, string>> = {
  "0001_ledger": ledger,
  "0002_increment_vote": incrementVote,
  "0003_count_summary": countSummary,
  "0004_bound": bound,
  "0005_validate": validate,
  "0006_partitions": partitions,
  "0007_horizon": [horizon, incrementVoteByHorizon, countBallots, settlePoll, buryVote].join("\n"),
  "0008_retention": retention,
  "0009_increment_vote": incrementVoteAsNew,
  "0010_increment_vote": incrementVoteByChoice
}

/** Where it is kept which of them have run. */
const table = "tallykeep_migration"

/** The key of the advisory lock: any number, the same in every process. */
const lockKey = 7_461_109

/** The extended protocol takes one statement at a time; a DO block makes one of a whole file. */
const run = (text: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(`do $migration$ begin\n${text}\nend $migration$`).unprepared)

const migrations = Object.entries(files).map(([file, text]): Migrator.ResolvedMigration => {
  const [id, ...name] = file.split("_")
  return [Number(id), name.join("_"), Effect.succeed(run(text))]
})

/** Runs what is missing up to a migration, in one transaction under an advisory lock. */
const migrateTo = Effect.fnUntraced(function* (last: number) {
  const sql = yield* SqlClient.SqlClient
  const loader = Effect.succeed(migrations.filter(([id]) => id <= last))
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`select pg_advisory_xact_lock(${lockKey})`
      const done = yield* Migrator.make({})({ loader, table })
      return done.map(([id, name]) => `${String(id).padStart(4, "0")}_${name}`)
    })
  )
})

/** The last migration that ran; undefined in a database where none did. */
const lastRun = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [known] = yield* sql<{ exists: boolean }>`select to_regclass(${table}) is not null as exists`
  if (known?.exists !== true) return undefined
  const [row] = yield* sql<{ id: number | null }>`select max(migration_id) as id from ${sql(table)}`
  return row?.id ?? undefined
})

/**
 * Brings the database's schema up to this version, or to the migration `last`; any number of processes may do so at once.
 * Each step is a transaction of its own, since votes are counted meanwhile and none may wait long; an empty database has
 * none, and gets all in one. Gives the names of what it ran.
 */
export const migrate = Effect.fn("Migrations.migrate")(function* (
  last = Number.POSITIVE_INFINITY
): Effect.fn.Return<ReadonlyArray<string>, Migrator.MigrationError | SqlError.SqlError, SqlClient.SqlClient> {
  const from = yield* lastRun
  const wanted = migrations.flatMap(([id]) => (id > (from ?? 0) && id <= last ? [id] : []))
  const steps = from === undefined ? wanted.slice(-1) : wanted
  return (yield* Effect.forEach(steps, migrateTo)).flat()
})
