import { Effect, Schedule } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { reasonOf } from "../domain/ReasonOf.ts"
import { ledgerSchema } from "./LedgerSchema.ts"
import { migrate, type UnsuitableDatabase } from "./Migrations.ts"
import { remedyOf } from "./SqlFailure.ts"

/** How soon to try again after an outage. */
const retry = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("2 seconds")])

/** How long to wait longer where an operator has to do something first. */
const patience = "8 seconds"

/** Returns what is in the way of the tables, and what to do about it, where time alone does not help. */
export const obstacleOf = (error: UnsuitableDatabase | SqlError.SqlError) => {
  if (error._tag === "UnsuitableDatabase") return { why: error.message, forOperator: true }
  const remedy = remedyOf(error)
  return remedy === undefined
    ? {
        why: `The ledger's tables and functions can't be brought up to date yet: ${reasonOf(error)}`,
        forOperator: false
      }
    : {
        why: `The ledger's tables and functions can't be brought up to date: ${reasonOf(error)}. ${remedy}`,
        forOperator: true
      }
}

/**
 * Brings the database up to date, however often it has to be tried. What is in the way is logged once each: as a
 * warning where time heals it, else as an error that says what to do, and then it is tried less often.
 */
export const keepMigrating: Effect.Effect<void, never, SqlClient.SqlClient> = Effect.suspend(() => {
  const said = new Set<string>()
  return migrate().pipe(
    Effect.tap((before) =>
      before === undefined
        ? Effect.void
        : Effect.logInfo(
            before === 0
              ? `Made the ledger's tables and functions, version ${ledgerSchema.version}`
              : `Updated the ledger's tables and functions from version ${before} to ${ledgerSchema.version}`
          )
    ),
    Effect.tapError((error) => {
      const { forOperator, why } = obstacleOf(error)
      const isKnown = said.has(why)
      said.add(why)
      const log = isKnown ? Effect.logDebug(why) : forOperator ? Effect.logError(why) : Effect.logWarning(why)
      return forOperator ? Effect.andThen(log, Effect.sleep(patience)) : log
    }),
    Effect.retry(retry),
    Effect.asVoid,
    // The schedule has no end.
    Effect.orDie
  )
})
