import { PgClient } from "@effect/sql-pg"
import { Effect, ManagedRuntime, Redacted } from "effect"
import { SqlClient } from "effect/sql"

/** One connection to a database, for what a bench asks it. */
export interface Database {
  query<A extends object>(statement: string): Promise<ReadonlyArray<A>>
  close(): Promise<void>
}

export const openDatabase = (url: string): Database => {
  const runtime = ManagedRuntime.make(PgClient.layer({ url: Redacted.make(url), maxConnections: 1 }))
  return {
    query: <A extends object>(statement: string) =>
      runtime.runPromise(Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe<A>(statement))),
    close: () => runtime.dispose()
  }
}

/** The same server's database of that name. */
export const withName = (url: string, name: string): string => {
  const named = new URL(url)
  named.pathname = name
  return named.href
}

/** Runs a statement outside of any transaction, on a connection of its own. */
export const execute = async (url: string, statement: string): Promise<void> => {
  const database = openDatabase(url)
  await database.query(statement).finally(() => database.close())
}
