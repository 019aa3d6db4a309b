import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { defaultPoll } from "../../src/domain/Poll.ts"
import { layerPostgres, layerReplica } from "../../src/layers/PostgresClient.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { migrate } from "../../src/ledger/Migrations.ts"
import { ownPostgres } from "../e2e/ownServer.ts"
import { makeEmptyDatabase } from "../support/databases.ts"
import { uniqueName } from "../support/names.ts"
import { primaryAndReplica } from "../support/replica.ts"
import { eventually, quiet } from "../support/servers.ts"

type Url = Redacted.Redacted<string>

/** Runs statements at a server, each a line. */
const run = (url: Url, ...statements: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    for (const statement of statements) yield* sql.unsafe(statement)
  }).pipe(Effect.provide(layerPostgres(url, 1)))

/** Returns the epoch, as a new connection finds it. */
const epochAt = (url: Url) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<{ epoch: string | null }>`select ledger_epoch() as epoch`
    return row?.epoch ?? null
  }).pipe(Effect.provide(layerPostgres(url, 1)))

const made = (url: Url) => Effect.provide(migrate(), layerPostgres(url, 1))

describe("the epoch of a ledger", () => {
  it.live("stays through a restart and a crash, and while votes are counted", () =>
    Effect.gen(function* () {
      const postgres = yield* ownPostgres
      yield* made(postgres.url)
      const epoch = yield* epochAt(postgres.url)
      assert.match(epoch ?? "", /^[0-9a-f]{8}$/)
      yield* run(postgres.url, "update poll set revision = revision + 1", "vacuum poll", "checkpoint")
      assert.strictEqual(yield* epochAt(postgres.url), epoch)
      yield* postgres.crash
      yield* postgres.start
      assert.strictEqual(yield* epochAt(postgres.url), epoch)
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.live("changes with a ledger that is made anew, or restored from a dump", () =>
    Effect.gen(function* () {
      const url = yield* makeEmptyDatabase
      const epochs = new Set<string | null>()
      const remember = Effect.map(epochAt(url), (epoch) => epochs.add(epoch))
      yield* made(url)
      yield* remember
      // Anew in the same database.
      yield* run(url, "drop schema public cascade", "create schema public")
      yield* made(url)
      yield* remember
      // A dump's data, put into tables that were emptied before.
      yield* run(
        url,
        "create table dump as select * from poll",
        "truncate poll cascade",
        "insert into poll select * from dump"
      )
      yield* remember
      // A copy under another name.
      const copy = new URL(Redacted.value(url))
      copy.pathname = uniqueName("test")
      const server = new URL(copy)
      server.pathname = "postgres"
      const admin = Redacted.make(server.href)
      const name = copy.pathname.slice(1)
      yield* eventually(
        run(admin, `create database "${name}" template "${new URL(Redacted.value(url)).pathname.slice(1)}"`)
      )
      epochs.add(yield* epochAt(Redacted.make(copy.href)))
      yield* run(admin, `drop database "${name}" with (force)`)
      assert.strictEqual(epochs.size, 4)
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.live("can be told by a role that may do no more than use the ledger", () =>
    Effect.gen(function* () {
      const url = yield* makeEmptyDatabase
      const role = uniqueName("role")
      yield* made(url)
      const epoch = yield* epochAt(url)
      yield* run(url, `create role "${role}"`)
      const asRole = Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql.unsafe(`set role "${role}"`)
        const [row] = yield* sql<{ epoch: string | null }>`select ledger_epoch() as epoch`
        return row?.epoch
      }).pipe(Effect.provide(layerPostgres(url, 1)))
      assert.strictEqual(yield* asRole, epoch)
      // Where the server's identity is kept from it, there is still one.
      yield* run(url, "revoke execute on function pg_control_system() from public")
      assert.match((yield* asRole) ?? "", /^[0-9a-f]{8}$/)
      yield* run(url, "grant execute on function pg_control_system() to public", `drop role "${role}"`)
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.live("changes with a base backup that is brought up; a standby has its primary's until then", () =>
    Effect.gen(function* () {
      const { primary, replica } = yield* primaryAndReplica
      const services = yield* Layer.build(
        Ledger.layer.pipe(Layer.provide(layerPostgres(primary.url, 2)), Layer.provide(layerReplica(replica.url)))
      )
      const ledger = Context.get(services, Ledger)
      yield* ledger.migrated
      const epoch = yield* epochAt(primary.url)
      yield* eventually(Effect.map(epochAt(replica.url), (its) => assert.isNull(its)))
      // By way of the replica, and of the primary.
      for (let round = 0; round < 5; round++) {
        assert.strictEqual((yield* ledger.tally(defaultPoll.slug))?.epoch, epoch)
        yield* Effect.sleep("50 millis")
      }
      yield* primary.signal("SIGSTOP")
      assert.strictEqual((yield* ledger.tally(defaultPoll.slug))?.epoch, epoch)
      yield* primary.signal("SIGCONT")

      yield* run(replica.url, "select pg_promote()")
      const promoted = yield* epochAt(replica.url)
      assert.match(promoted ?? "", /^[0-9a-f]{8}$/)
      assert.notStrictEqual(promoted, epoch)
      assert.strictEqual(yield* epochAt(primary.url), epoch)
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )
})
