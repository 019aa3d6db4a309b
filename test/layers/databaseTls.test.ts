import { appendFileSync, chmodSync, chownSync } from "node:fs"
import { connect, createServer } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { inject } from "vitest"
import { reasonOf } from "../../src/domain/ReasonOf.ts"
import { postgresFolder } from "../../src/embedded/PostgresFolder.ts"
import { startPostgres } from "../../src/embedded/PostgresServer.ts"
import { layerPostgres } from "../../src/layers/PostgresClient.ts"
import { certificates, temporaryFolder } from "../support/certificates.ts"
import { dataFolder } from "../support/dataFolder.ts"
import { quiet } from "../support/servers.ts"

/** A PostgreSQL that offers TLS. */
const tlsServer = Effect.gen(function* () {
  const made = yield* certificates
  const dataDir = yield* dataFolder
  yield* Effect.scoped(startPostgres({ dataDir }))
  const { account, folder } = postgresFolder(dataDir)
  chmodSync(made.folder, 0o755)
  for (const name of ["server.key", "server.crt"]) {
    const path = join(made.folder, name)
    chmodSync(path, 0o600)
    if (account !== undefined) chownSync(path, account.uid, account.gid)
  }
  appendFileSync(
    join(folder, "data/postgresql.auto.conf"),
    `ssl = on\nssl_cert_file = '${made.folder}/server.crt'\nssl_key_file = '${made.folder}/server.key'\n`
  )
  const server = yield* startPostgres({ dataDir })
  return { ...made, port: server.port, url: server.url }
}).pipe(Effect.provide(quiet))

/** Whether a connection by the URL is encrypted, or why there is none. */
const encryptionBy = (url: string) =>
  Effect.gen(function* () {
    const sql = Context.get(yield* Layer.build(layerPostgres(Redacted.make(url), 1)), SqlClient.SqlClient)
    const [row] = yield* sql<{ ssl: boolean }>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`
    return row?.ssl === true ? "TLS" : "plain"
  }).pipe(
    Effect.scoped,
    Effect.catch((error) => Effect.succeed(reasonOf(error)))
  )

describe("a database's URL", () => {
  it.live("gets the TLS that it asks for, or no connection", () =>
    Effect.gen(function* () {
      const { ca, other, port, url } = yield* tlsServer
      const by = (host: string, query: string) =>
        encryptionBy(Redacted.value(url).replace(/@[^/]+/, `@${host}:${port}`) + query)
      const name = "localhost"
      for (const [query, outcome] of [
        ["", /^TLS$/],
        ["?sslmode=disable", /^plain$/],
        ["?ssl=false", /^plain$/],
        ["?ssl=true", /^TLS$/],
        ["?sslmode=allow", /^TLS$/],
        ["?sslmode=prefer", /^TLS$/],
        ["?sslmode=require", /^TLS$/],
        ["?sslmode=no-verify", /^TLS$/],
        [`?sslmode=no-verify&sslrootcert=${other}`, /^TLS$/],
        [`?sslmode=require&sslrootcert=${ca}`, /^TLS$/],
        [`?sslmode=require&sslrootcert=${other}`, /certificate/],
        [`?sslmode=verify-ca&sslrootcert=${ca}`, /^TLS$/],
        [`?sslmode=verify-ca&sslrootcert=${other}`, /certificate/],
        ["?sslmode=verify-ca", /certificate/],
        [`?sslmode=verify-full&sslrootcert=${ca}`, /^TLS$/],
        ["?sslmode=verify-full", /certificate/],
        ["?sslrootcert=system", /certificate/]
      ] as const) {
        assert.match(yield* by(name, query), outcome, query)
      }
      // By its address, which the certificate does not name.
      assert.strictEqual(yield* by("127.0.0.1", `?sslmode=verify-ca&sslrootcert=${ca}`), "TLS")
      assert.match(yield* by("127.0.0.1", `?sslmode=verify-full&sslrootcert=${ca}`), /ERR_TLS_CERT_ALTNAME_INVALID/)
    }).pipe(Effect.scoped)
  )

  it.live("gets a plain connection from a server without TLS, unless it must not", () =>
    Effect.gen(function* () {
      const url = inject("databaseUrl")
      for (const query of ["", "?sslmode=prefer", "?sslmode=allow"]) {
        assert.strictEqual(yield* encryptionBy(url + query), "plain")
      }
      for (const query of ["?ssl=true", "?sslmode=no-verify", "?sslmode=verify-full"]) {
        assert.match(yield* encryptionBy(url + query), /The server has no TLS, which sslmode=/)
      }
    })
  )

  it.live("leads to a Unix socket", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const { password, pathname, port, username } = new URL(inject("databaseUrl"))
      yield* Effect.acquireRelease(
        Effect.callback<ReturnType<typeof createServer>>((resume) => {
          const relay = createServer((client) => {
            const server = connect(Number(port), "127.0.0.1")
            client.pipe(server).pipe(client)
            for (const socket of [client, server]) socket.on("error", () => undefined)
          })
          relay.listen(join(folder, ".s.PGSQL.5432"), () => resume(Effect.succeed(relay)))
        }),
        (relay) => Effect.sync(() => relay.close())
      )
      const signIn = `${username}:${password}@`
      assert.strictEqual(yield* encryptionBy(`postgres://${signIn}${pathname}?host=${folder}`), "plain")
      const encoded = encodeURIComponent(folder)
      assert.strictEqual(yield* encryptionBy(`postgres://${signIn}${encoded}${pathname}?sslmode=require`), "plain")
    }).pipe(Effect.scoped)
  )
})
