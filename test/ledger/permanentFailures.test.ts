import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { inject } from "vitest"
import { layerPostgres } from "../../src/layers/PostgresClient.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { lockKey, unsuitable } from "../../src/ledger/Migrations.ts"
import { remedyOf } from "../../src/ledger/SqlFailure.ts"
import { patiently } from "../e2e/site.ts"
import { makeEmptyDatabase } from "../support/databases.ts"
import { held, untilWaiting } from "../support/locks.ts"
import { uniqueName } from "../support/names.ts"
import { eventually } from "../support/servers.ts"

type Url = Redacted.Redacted<string>

const client = (url: Url) => Effect.map(Layer.build(layerPostgres(url, 3)), Context.get(SqlClient.SqlClient))

/** Starts a ledger as a program does; `lines` is what it logs. */
const start = Effect.fnUntraced(function* (url: Url) {
  const lines: Array<string> = []
  const logger = Logger.layer([Logger.make(({ logLevel, message }) => lines.push(`${logLevel} ${message}`))])
  const services = yield* Layer.build(
    Ledger.layer.pipe(Layer.provide(layerPostgres(url, 2)), Layer.provide(logger))
  ).pipe(Effect.provide(logger))
  return { ledger: Context.get(services, Ledger), lines }
})

const firstLine = (lines: ReadonlyArray<string>) =>
  eventually(
    Effect.sync(() => {
      assert.isAbove(lines.length, 0)
      return lines[0] ?? ""
    })
  )

const changed = (url: Url, change: (parts: URL) => void): Url => {
  const parts = new URL(Redacted.value(url))
  change(parts)
  return Redacted.make(parts.href)
}

/** A role that may sign in and no more, gone with the scope together with what it has made in the database. */
const makeRole = Effect.fnUntraced(function* (url: Url) {
  const sql = yield* client(url)
  const name = uniqueName("role")
  yield* Effect.acquireRelease(sql.unsafe(`create role ${name} login password 'secret-of-role'`), () =>
    Effect.orDie(sql.unsafe(`drop owned by ${name} cascade`).pipe(Effect.andThen(sql.unsafe(`drop role ${name}`))))
  )
  return {
    name,
    sql,
    url: changed(url, (parts) => Object.assign(parts, { username: name, password: "secret-of-role" }))
  }
})

describe("a failure that time does not heal", () => {
  it.live("is told once, as an error that says what the server said first and what to do; done, things go on", () =>
    Effect.gen(function* () {
      const role = yield* makeRole(yield* makeEmptyDatabase)
      const { ledger, lines } = yield* start(role.url)
      const line = yield* firstLine(lines)
      assert.match(line, /^Error .*permission denied for schema public \(42501\).*grant usage, create on schema/)
      assert.strictEqual((yield* Effect.flip(ledger.ping))._tag, "OutOfService")
      yield* role.sql.unsafe(`grant create on schema public to ${role.name}`)
      yield* patiently(ledger.ping)
      assert.deepStrictEqual(
        lines.map((each) => each.split(" ", 1)[0]),
        ["Error", "Info"]
      )
    }).pipe(Effect.scoped)
  )

  it.live("is told of a role that may not change what another has made", () =>
    Effect.gen(function* () {
      const url = yield* makeEmptyDatabase
      const role = yield* makeRole(url)
      yield* role.sql`create table tallykeep_schema (version int, step int, since timestamptz)`
      yield* role.sql.unsafe(`grant create on schema public to ${role.name}`)
      const { lines } = yield* start(role.url)
      assert.match(yield* firstLine(lines), /^Error .*permission denied for table tallykeep_schema \(42501\)/)
    }).pipe(Effect.scoped)
  )

  it.live("is told of a wrong password, and of a database that is not there", () =>
    Effect.gen(function* () {
      const url = yield* makeEmptyDatabase
      const wrong = yield* start(changed(url, (parts) => Object.assign(parts, { password: "hunter2" })))
      const line = yield* firstLine(wrong.lines)
      assert.match(line, /^Error .*password authentication failed.*\(28P01\).*Correct the user and the password/)
      assert.notInclude(line, "hunter2")
      const none = yield* start(changed(url, (parts) => Object.assign(parts, { pathname: "no_such_database" })))
      assert.match(yield* firstLine(none.lines), /^Error .*does not exist \(3D000\).*Create the database/)
      const mute = yield* start(changed(url, (parts) => Object.assign(parts, { password: "" })))
      assert.match(yield* firstLine(mute.lines), /^Error .*No password configured.*Correct the user and the password/)
    }).pipe(Effect.scoped)
  )

  it.live("is told of a database that is not in UTF8", () =>
    Effect.gen(function* () {
      const url = Redacted.make(inject("databaseUrl"))
      const sql = yield* client(url)
      const name = uniqueName("latin1")
      yield* Effect.acquireRelease(
        sql.unsafe(`create database ${name} encoding 'LATIN1' locale 'C' template template0`),
        () => Effect.orDie(sql.unsafe(`drop database ${name} with (force)`))
      )
      const { ledger, lines } = yield* start(changed(url, (parts) => Object.assign(parts, { pathname: name })))
      assert.match(yield* firstLine(lines), /^Error The database's encoding is LATIN1, and tallykeep needs UTF8/)
      assert.strictEqual((yield* Effect.flip(ledger.ping))._tag, "OutOfService")
    }).pipe(Effect.scoped)
  )

  it.live.each([
    {
      setting: "default_transaction_isolation",
      wrong: "repeatable read",
      right: "read committed",
      says: /^Error The role's transactions are repeatable read by default.*needs read committed/
    },
    {
      setting: "synchronous_commit",
      wrong: "off",
      right: "on",
      says: /^Error The role's transactions are committed before they are on the disk.*set synchronous_commit = on/
    }
  ])("is told of a role whose $setting would cost votes", ({ right, says, setting, wrong }) =>
    Effect.gen(function* () {
      const url = yield* makeEmptyDatabase
      const role = yield* makeRole(url)
      yield* role.sql.unsafe(`grant create on schema public to ${role.name}`)
      const set = (value: string) => role.sql.unsafe(`alter role ${role.name} set ${setting} = '${value}'`)
      yield* set(wrong)
      const { ledger, lines } = yield* start(role.url)
      assert.match(yield* firstLine(lines), says)
      assert.strictEqual((yield* Effect.flip(ledger.ping))._tag, "OutOfService")
      yield* set(right)
      const again = yield* start(role.url)
      yield* again.ledger.migrated
    }).pipe(Effect.scoped)
  )

  it("is told of a full disk and of too few connections, which may last as well", () => {
    assert.match(`${remedyOf({ code: "53100" })}`, /room on the disk/)
    assert.match(`${remedyOf({ code: "53300" })}`, /max_connections/)
    assert.match(`${remedyOf({ code: "CERT_HAS_EXPIRED" })}`, /Renew/)
    assert.match(`${remedyOf({ code: "CERT_SIGNATURE_FAILURE" })}`, /sslrootcert/)
  })

  it("is told of a server that is too old", () => {
    const fine = { encoding: "UTF8", former: false, server: 140_000, isolation: "read committed", commit: "on" }
    assert.isUndefined(unsuitable(fine))
    assert.include(unsuitable({ ...fine, server: 130_023 }), "is PostgreSQL 13, and tallykeep needs 14 or newer")
    assert.include(unsuitable({ ...fine, encoding: "SQL_ASCII" }), "SQL_ASCII")
  })
})

describe("a role that limits its statements and transactions", () => {
  it.live("makes the tables however long that takes; what its limits end later is told with what to do", () =>
    Effect.gen(function* () {
      const role = yield* makeRole(yield* makeEmptyDatabase)
      yield* role.sql.unsafe(`grant create on schema public to ${role.name}`)
      yield* role.sql.unsafe(`alter role ${role.name} set statement_timeout = '300ms'`)
      const [server] = yield* role.sql<{ knows: boolean }>`
        select exists (select from pg_settings where name = 'transaction_timeout') as knows`
      if (server?.knows === true) yield* role.sql.unsafe(`alter role ${role.name} set transaction_timeout = '400ms'`)
      const { ledger, lines } = yield* Effect.gen(function* () {
        const release = yield* held(role.sql`select pg_advisory_xact_lock(${lockKey})`)
        const started = yield* start(role.url)
        yield* untilWaiting("advisory", "ExclusiveLock")
        yield* Effect.sleep("500 millis")
        yield* release
        return started
      }).pipe(Effect.provideService(SqlClient.SqlClient, role.sql))
      yield* ledger.migrated
      assert.match(lines.join(), /^Info Made the ledger's tables[^,]*, version \d+$/)
      const sql = yield* client(role.url)
      assert.match(`${remedyOf(yield* Effect.flip(sql`select pg_sleep(1)`))}`, /set statement_timeout/)
    }).pipe(Effect.scoped)
  )
})

describe("a connection that is lost while the tables are made", () => {
  it.live("is no end: they are made by the next one", () =>
    Effect.gen(function* () {
      const url = yield* makeEmptyDatabase
      const sql = yield* client(url)
      yield* Effect.gen(function* () {
        const release = yield* held(sql`select pg_advisory_xact_lock(${lockKey})`)
        const { ledger, lines } = yield* start(url)
        yield* untilWaiting("advisory", "ExclusiveLock")
        yield* sql`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and not granted
          and database = (select oid from pg_database where datname = current_database())`
        assert.match(yield* firstLine(lines), /^Warn .*(57P01|onnection)/)
        yield* release
        yield* eventually(ledger.ping)
        yield* ledger.migrated
      }).pipe(Effect.provideService(SqlClient.SqlClient, sql))
    }).pipe(Effect.scoped)
  )
})
