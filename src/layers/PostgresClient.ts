import { PgClient } from "@effect/sql-pg"
import { Layer, type Redacted } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { arrayTypes } from "../ledger/ArrayColumn.ts"
import { Replica } from "../ledger/Tallies.ts"

/**
 * Connects to the database at `url` when a connection is first needed, so that the program starts without it. There may
 * be a pooler that gives each transaction another session: nothing is kept in a session, not even prepared statements.
 * What takes the database's time are the statements inside the counting function, whose plans it keeps by itself.
 */
export const layerPostgres = (
  url: Redacted.Redacted,
  maxConnections: number
): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient, SqlError.SqlError> =>
  PgClient.layer({
    url,
    applicationName: "tallykeep",
    maxConnections,
    minConnections: 0,
    prepare: false,
    types: arrayTypes,
    connectTimeout: "3 seconds",
    keepAlive: "10 seconds",
    idleTimeout: "60 seconds"
  })

/** Provides the replica at `url`, where there is one. */
export const layerReplica = (url: Redacted.Redacted | undefined): Layer.Layer<never, SqlError.SqlError> =>
  url === undefined
    ? Layer.empty
    : Layer.effect(Replica, SqlClient.SqlClient).pipe(Layer.provide(layerPostgres(url, 4)))
