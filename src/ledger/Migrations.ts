import { Effect } from "effect"
import { Migrator, SqlClient, type SqlError } from "effect/sql"
import ledger from "./migrations/0001_ledger.sql"
import incrementVote from "./migrations/0002_increment_vote.sql"
import countSummary from "./migrations/0003_count_summary.sql"

/** Every migration, in order; one that has run anywhere is never changed, only followed by another. */
const files: Readonly<Record<string, string>> = {
  "0001_ledger": ledger,
  "0002_increment_vote": incrementVote,
  "0003_count_summary": countSummary
}

/** The key of the advisory lock: any number, the same in every process. */
const lockKey = 7_461_109

/** The extended protocol takes one statement at a time; a DO block makes one of a whole file. */
const run = (text: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(`do $migration$ begin\n${text}\nend $migration$`).unprepared)

const migrations = Object.entries(files).map(([file, text]): Migrator.ResolvedMigration => {
  const [id, ...name] = file.split("_")
  return [Number(id), name.join("_"), Effect.succeed(run(text))]
})

/**
 * Brings the database's schema up to this version, in one transaction under an advisory lock, so that any number of
 * processes may start at once. Gives the names of what it ran.
 */
export const migrate: Effect.Effect<
  ReadonlyArray<string>,
  Migrator.MigrationError | SqlError.SqlError,
  SqlClient.SqlClient
> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`select pg_advisory_xact_lock(${lockKey})`
      const done = yield* Migrator.make({})({ loader: Effect.succeed(migrations), table: "tallykeep_migration" })
      return done.map(([id, name]) => `${String(id).padStart(4, "0")}_${name}`)
    })
  )
}).pipe(Effect.withSpan("Migrations.migrate"))
