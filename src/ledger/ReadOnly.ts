import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { OutOfService } from "../domain/Problems.ts"

/**
 * Whether the server takes no writes, as a column `readOnly`. What such a one says may be old: it may have been the primary, and know
 * nothing of what others do at the one that is by now.
 */
export const readOnly = (sql: SqlClient.SqlClient) =>
  sql`(pg_is_in_recovery() or current_setting('transaction_read_only') = 'on') as "readOnly"`

/** Has a server that takes no writes say so itself, as it would to a vote: what may be done about it follows from that. Fails then. */
export const expectWrites = (
  sql: SqlClient.SqlClient,
  answer: { readonly readOnly: boolean } | undefined
): Effect.Effect<void, OutOfService | SqlError.SqlError> =>
  answer?.readOnly === true
    ? Effect.andThen(
        sql`update tallykeep_schema set step = step where false`,
        Effect.fail(new OutOfService({ part: "database", cause: new Error("Its server takes no writes") }))
      )
    : Effect.void
