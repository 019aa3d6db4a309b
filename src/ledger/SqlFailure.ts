import type { SqlError } from "effect/sql"

/** PostgreSQL's five-character code for what went wrong; undefined where the server said nothing. */
export const sqlState = (error: SqlError.SqlError): string | undefined => {
  const cause = error.reason.cause
  if (typeof cause !== "object" || cause === null || !("code" in cause)) return undefined
  return typeof cause.code === "string" && /^[0-9A-Z]{5}$/.test(cause.code) ? cause.code : undefined
}

/**
 * Whether the database refused the data itself (class 22, data exception, or 23, integrity constraint), so that
 * asking again is no use. Anything else is an outage: time heals it.
 */
export const refusesData = (error: SqlError.SqlError): boolean => {
  const state = sqlState(error)
  return state !== undefined && (state.startsWith("22") || state.startsWith("23"))
}
