import { PgClient } from "@effect/sql-pg"
import type { Layer, Redacted } from "effect"
import type { SqlClient, SqlError } from "effect/sql"

/** The database at `url`; connections are made when they are wanted, so that the program starts without it. */
export const layerPostgres = (
  url: Redacted.Redacted,
  maxConnections: number
): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient, SqlError.SqlError> =>
  PgClient.layer({
    url,
    applicationName: "tallykeep",
    maxConnections,
    minConnections: 0,
    connectTimeout: "3 seconds",
    keepAlive: "10 seconds",
    idleTimeout: "60 seconds"
  })
