import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Redacted, Result } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { arrayTypes } from "../ledger/ArrayColumn.ts"
import { Replica } from "../ledger/Tallies.ts"
import type { DatabaseAddress } from "./DatabaseAddress.ts"
import { databaseServer } from "./DatabaseHosts.ts"
import { parseDatabaseUrl } from "./DatabaseUrl.ts"
import { makePostgresSockets } from "./PostgresSockets.ts"
import { makeLatest } from "./SecretFile.ts"

/** Makes a function that returns the address that a URL names now. */
const makeAddress = (url: Redacted.Redacted): (() => DatabaseAddress) =>
  makeLatest(url, (text) => {
    const parsed = parseDatabaseUrl(text)
    return parsed === undefined ? undefined : Result.getOrUndefined(parsed)
  })

/**
 * Connects to the database at `url` when a connection is first needed, so that the program starts without it. There may
 * be a pooler that gives each transaction another session: nothing is kept in a session, not even prepared statements.
 * What takes the database's time are statements inside functions, whose plans it keeps by itself.
 */
export const layerPostgres = (
  url: Redacted.Redacted,
  maxConnections: number
): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient, SqlError.SqlError> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const address = makeAddress(url)
      const { applicationName = "tallykeep", connectTimeout, hosts, options } = address()
      const { connected, open } = yield* makePostgresSockets(address)
      return PgClient.layer({
        // The driver asks for these whenever it makes a connection.
        get username() {
          return address().user
        },
        get password() {
          const { password } = address()
          return password === undefined ? undefined : Redacted.make(password)
        },
        get database() {
          return address().database
        },
        // For traces alone, until there is a connection: `stream` makes them, and encrypts them.
        host: hosts[0].name,
        port: hosts[0].port,
        spanAttributes: { [databaseServer]: connected },
        ssl: false,
        stream: open,
        applicationName,
        startupOptions: options,
        maxConnections,
        minConnections: 0,
        prepare: false,
        types: arrayTypes,
        connectTimeout: connectTimeout === undefined ? "3 seconds" : connectTimeout * 1_000 || "1 hour",
        idleTimeout: "60 seconds"
      })
    })
  )

/** Provides the replica at `url`, where there is one. */
export const layerReplica = (url: Redacted.Redacted | undefined): Layer.Layer<never, SqlError.SqlError> =>
  url === undefined
    ? Layer.empty
    : Layer.effect(Replica, SqlClient.SqlClient).pipe(Layer.provide(layerPostgres(url, 4)))
