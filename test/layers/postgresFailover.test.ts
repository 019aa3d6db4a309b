import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { defaultPoll } from "../../src/domain/Poll.ts"
import { layerPostgres } from "../../src/layers/PostgresClient.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { openGate } from "../chaos/proxy.ts"
import { makeDatabase } from "../support/databases.ts"
import { primaryAndReplica } from "../support/replica.ts"
import { eventually, quiet } from "../support/servers.ts"
import { voteAt } from "../support/votes.ts"
import { within } from "../support/within.ts"

type Url = Redacted.Redacted<string>

/** The same URL with other hosts and parameters. */
const at = (url: Url, hosts: string, query = ""): Url =>
  Redacted.make(Redacted.value(url).replace(/@[^/]+(\/.*)$/, `@${hosts}$1${query}`))

const client = (url: Url) => Effect.map(Layer.build(layerPostgres(url, 2)), Context.get(SqlClient.SqlClient))

const ledgerOf = (url: Url) =>
  Effect.map(Layer.build(Ledger.layer.pipe(Layer.provide(layerPostgres(url, 4)))), Context.get(Ledger))

const countOne = (ledger: Ledger["Service"]) =>
  Effect.suspend(() => ledger.count(VoteColumns.of([voteAt(Date.now(), defaultPoll.slug, "cats")])))

/** How soon work must go on: the tries in between are those of the pool of consumers. */
const soon = <A, E>(effect: Effect.Effect<A, E>, limit = 5_000) =>
  within(limit, Effect.retry(effect, { schedule: Schedule.spaced("100 millis"), times: 300 }))

/** Waits until the replica has everything, and makes a primary of it. */
const promote = Effect.fnUntraced(function* (primary: SqlClient.SqlClient, replica: SqlClient.SqlClient) {
  const [position] = yield* primary<{ lsn: string }>`select pg_current_wal_lsn()::text as lsn`
  yield* eventually(
    Effect.gen(function* () {
      const [row] = yield* replica<{ there: boolean }>`
        select pg_last_wal_replay_lsn() >= ${position?.lsn ?? ""}::pg_lsn as there`
      assert.isTrue(row?.there)
    })
  )
  yield* replica`select pg_promote()`
})

const totalOf = (ledger: Ledger["Service"]) =>
  Effect.map(ledger.tally(defaultPoll.slug), (tally) => tally?.options.reduce((sum, { count }) => sum + count, 0))

describe("a PostgreSQL that was demoted", () => {
  it.live("is left for the new primary within 5 s, though it keeps its connections, and is not up meanwhile", () =>
    Effect.gen(function* () {
      const { primary, replica } = yield* primaryAndReplica
      let port = primary.port
      const gate = yield* Effect.acquireRelease(
        Effect.promise(() => openGate(() => port)),
        (opened) => Effect.sync(() => opened.close())
      )
      const ledger = yield* ledgerOf(at(primary.url, `127.0.0.1:${gate.port}`))
      yield* ledger.migrated
      // Several connections are open.
      yield* Effect.all(
        Array.from({ length: 4 }, () => countOne(ledger)),
        { concurrency: "unbounded" }
      )
      yield* ledger.ping

      const [old, next] = [yield* client(primary.url), yield* client(replica.url)]
      yield* promote(old, next)
      yield* old`alter system set default_transaction_read_only = on`
      yield* old`select pg_reload_conf()`
      const refused = yield* eventually(Effect.flip(ledger.ping))
      assert.match(String(refused), /read-only transaction \(25006\)/)
      assert.match(String(yield* Effect.flip(countOne(ledger))), /\(25006\)/)

      port = replica.port
      yield* soon(countOne(ledger))
      yield* soon(ledger.ping)
      assert.strictEqual(yield* totalOf(ledger), 5)

      // One that only looks, as an idle consumer or an api does, comes back too.
      port = primary.port
      const idle = yield* ledgerOf(at(primary.url, `127.0.0.1:${gate.port}`))
      yield* eventually(Effect.flip(idle.ping))
      port = replica.port
      yield* soon(idle.ping)
      assert.strictEqual(yield* totalOf(idle), 5)
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )
})

describe("a half-open connection to PostgreSQL", () => {
  it.live("is given up before the time-out of a count, and a statement that takes long is not", () =>
    Effect.gen(function* () {
      const url = yield* makeDatabase
      const direct = Number(new URL(Redacted.value(url)).port)
      const gate = yield* Effect.acquireRelease(
        Effect.promise(() => openGate(() => direct)),
        (opened) => Effect.sync(() => opened.close())
      )
      const through = at(url, `127.0.0.1:${gate.port}`)
      const ledger = yield* ledgerOf(through)
      yield* ledger.migrated
      yield* countOne(ledger)
      const sql = yield* client(through)
      yield* sql`select pg_sleep(6)`

      gate.silence()
      yield* soon(countOne(ledger), 15_000)
      assert.strictEqual(yield* totalOf(ledger), 2)
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )
})

describe("a DATABASE_URL of several hosts", () => {
  it.live("leads to the one that can be written, also after a failover, whatever their order", () =>
    Effect.gen(function* () {
      const { primary, replica } = yield* primaryAndReplica
      const hosts = `127.0.0.1:${replica.port},127.0.0.1:${primary.port}`
      const ledgers = yield* Effect.forEach(
        ["?target_session_attrs=read-write", "?target_session_attrs=primary", "?target_session_attrs=any", ""],
        (query) => ledgerOf(at(primary.url, hosts, query))
      )
      const [first] = ledgers
      if (first === undefined) return assert.fail("no ledger")
      yield* first.migrated
      for (const ledger of ledgers) yield* soon(Effect.andThen(ledger.ping, countOne(ledger)))
      assert.strictEqual(yield* totalOf(first), 4)

      const standby = yield* client(at(primary.url, hosts, "?target_session_attrs=standby"))
      const [state] = yield* standby<{ standby: boolean }>`select pg_is_in_recovery() as standby`
      assert.isTrue(state?.standby)
      const nowhere = yield* ledgerOf(at(primary.url, `127.0.0.1:${replica.port}`, "?target_session_attrs=read-write"))
      assert.match(String(yield* Effect.flip(nowhere.ping)), /127\.0\.0\.1:\d+ is read-only/)

      const [old, next] = [yield* client(primary.url), yield* client(replica.url)]
      yield* promote(old, next)
      yield* primary.stop
      for (const ledger of ledgers) yield* soon(Effect.andThen(ledger.ping, countOne(ledger)))
      assert.strictEqual(yield* totalOf(first), 8)
      yield* soon(nowhere.ping)
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.live("does not wait for a host that is a black hole", () =>
    Effect.gen(function* () {
      const url = yield* makeDatabase
      const port = Number(new URL(Redacted.value(url)).port)
      const gate = yield* Effect.acquireRelease(
        Effect.promise(() => openGate(() => port)),
        (opened) => Effect.sync(() => opened.close())
      )
      void gate.blackhole(60_000)
      const hosts = `127.0.0.1:${gate.port},127.0.0.1:${port}`
      const ledger = yield* ledgerOf(at(url, hosts, "?target_session_attrs=read-write"))
      yield* soon(ledger.migrated)
      yield* soon(ledger.ping)
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )
})
