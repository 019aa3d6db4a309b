import { Effect } from "effect"
import { type SqlClient, SqlError } from "effect/sql"

/**
 * How long a transaction may leave the server waiting for its next statement. Then the server ends it, and gives others the locks: a
 * process may have been stopped in its middle, or be out of reach, and counting must not wait until it is back.
 */
const idleTimeout = "'5s'"

/**
 * Runs an effect in a transaction, and fails with what went wrong first. A lost connection can't roll back, which SqlClient
 * takes for a mistake of ours and dies of: it is an outage like any other.
 */
export const inTransaction =
  (sql: SqlClient.SqlClient) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError.SqlError, R> =>
    Effect.suspend(() => {
      const failures: Array<E> = []
      const noting = Effect.tapError(effect, (error) => Effect.sync(() => failures.push(error)))
      const bounded = Effect.andThen(
        sql`set local idle_in_transaction_session_timeout = ${sql.literal(idleTimeout)}`,
        noting
      )
      return sql.withTransaction(bounded).pipe(
        Effect.catchDefect((defect): Effect.Effect<never, E | SqlError.SqlError> => {
          const [first] = failures
          if (first !== undefined) return Effect.fail(first)
          return SqlError.isSqlError(defect) ? Effect.fail(defect) : Effect.die(defect)
        })
      )
    })

/** Runs an effect in one snapshot of the database, in which it can only read. */
export const inSnapshot =
  (sql: SqlClient.SqlClient) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError.SqlError, R> =>
    inTransaction(sql)(
      Effect.gen(function* () {
        yield* sql`set transaction isolation level repeatable read, read only`
        // A snapshot does not keep a partition from being dropped; this does, from before the snapshot is taken.
        yield* sql`lock table only vote_event in access share mode`
        return yield* effect
      })
    )
