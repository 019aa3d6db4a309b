import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, type Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { startPostgres } from "../../src/embedded/PostgresServer.ts"
import { layerPostgres } from "../../src/layers/PostgresClient.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { type LedgerSchema, ledgerSchema } from "../../src/ledger/LedgerSchema.ts"
import { lockKey, migrate } from "../../src/ledger/Migrations.ts"
import { makeEmptyDatabase } from "../support/databases.ts"
import { dataFolder } from "../support/dataFolder.ts"
import { held, untilWaiting } from "../support/locks.ts"
import { eventually, quiet } from "../support/servers.ts"
import { marker, nextSchema } from "./nextSchema.ts"

/** A program that starts: it is done when its ledger can be used. */
const start = (url: Redacted.Redacted) =>
  Effect.flatMap(Ledger, (ledger) => Effect.andThen(ledger.migrated, ledger.ping)).pipe(
    Effect.provide(Ledger.layer.pipe(Layer.provide(layerPostgres(url, 2))))
  )

/** What the database is at: its version, the steps that ran, and how many functions are the next version's. */
const state = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [table] = yield* sql<{ made: boolean }>`select to_regclass('tallykeep_schema') is not null as made`
  if (table?.made !== true) return "empty"
  const [row] = yield* sql<{ version: number; step: number; next: bigint }>`
    select max(version) as version, max(step) as step,
      (select count(*) from pg_proc where strpos(prosrc, ${marker}) > 0) as next
    from tallykeep_schema`
  return { version: row?.version, step: row?.step, next: Number(row?.next) }
})

const former = { version: ledgerSchema.version, step: ledgerSchema.steps.at(-1)?.number, next: 0 }
const next = { version: nextSchema.version, step: nextSchema.version, next: nextSchema.functions.length }

const onDatabase = <A, E>(test: Effect.Effect<A, E, SqlClient.SqlClient>) =>
  Effect.flatMap(makeEmptyDatabase, (url) => Effect.provide(test, layerPostgres(url, 10))).pipe(
    Effect.scoped,
    Effect.provide(quiet)
  )

const atOnce = { concurrency: "unbounded" } as const

describe("the ledger's tables and functions", () => {
  it.live(
    "come up in ten programs started at once on an empty database, without a warning in their log or the server's",
    () =>
      Effect.gen(function* () {
        const lines: Array<unknown> = []
        const dataDir = yield* dataFolder
        const server = yield* Effect.provide(startPostgres({ dataDir }), quiet)
        yield* Effect.forEach(Array.from({ length: 10 }), () => start(server.url), atOnce).pipe(
          Effect.provide(Logger.layer([Logger.make(({ logLevel, message }) => lines.push(`${logLevel} ${message}`))]))
        )
        assert.deepStrictEqual(lines, [`Info Made the ledger's tables and functions, version ${ledgerSchema.version}`])
        assert.deepStrictEqual(yield* Effect.provide(state, layerPostgres(server.url, 1)), former)
        const log = readFileSync(server.logFile, "utf8")
        assert.include(log, "ready to accept connections")
        assert.notMatch(log, /WARNING|ERROR|FATAL|PANIC/)
      }).pipe(Effect.scoped)
  )

  it.live("are the later version's where programs of two versions start at once", () =>
    onDatabase(
      Effect.gen(function* () {
        const programs = Array.from({ length: 10 }, (_, index) => migrate(index % 2 === 0 ? ledgerSchema : nextSchema))
        yield* Effect.all(programs, atOnce)
        assert.deepStrictEqual(yield* state, next)
      })
    )
  )

  it.live("are the later version's also where a program of the version before has waited for it", () =>
    onDatabase(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const release = yield* held(sql`select pg_advisory_xact_lock(${lockKey})`)
        const later = yield* Effect.forkChild(migrate(nextSchema))
        yield* untilWaiting("advisory", "ExclusiveLock")
        const before = yield* Effect.forkChild(migrate(ledgerSchema))
        yield* untilWaiting("advisory", "ExclusiveLock", 2)
        yield* release
        assert.strictEqual(yield* Fiber.join(later), 0)
        assert.strictEqual(yield* Fiber.join(before), undefined)
        assert.deepStrictEqual(yield* state, next)
      })
    )
  )

  it.live("stay the later version's when a program of the version before is started again", () =>
    Effect.gen(function* () {
      const url = yield* makeEmptyDatabase
      const services = yield* Layer.build(layerPostgres(url, 2))
      yield* start(url)
      assert.strictEqual(yield* Effect.provideContext(migrate(nextSchema), services), ledgerSchema.version)
      assert.deepStrictEqual(yield* Effect.provideContext(state, services), next)
      yield* start(url)
      assert.strictEqual(yield* Effect.provideContext(migrate(), services), undefined)
      assert.deepStrictEqual(yield* Effect.provideContext(state, services), next)
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.live("are put in place step by step on a database that has some, and an update that failed goes on", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* migrate()
        const failing = { ...nextSchema, ...withStep("select 1 / 0;") }
        yield* Effect.flip(migrate(failing))
        // The step before has run, and the functions are still those that the tables had.
        assert.deepStrictEqual(yield* state, { ...former, step: nextSchema.version })
        const mended = { ...nextSchema, ...withStep("create table later ();") }
        assert.strictEqual(yield* migrate(mended), ledgerSchema.version)
        assert.deepStrictEqual(yield* state, { ...next, version: mended.version, step: mended.version })
      })
    )
  )

  it.live("are put in place all at once, or not at all, on an empty database", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* Effect.flip(migrate({ ...nextSchema, ...withStep("select 1 / 0;") }))
        assert.strictEqual(yield* state, "empty")
        assert.strictEqual(yield* migrate(), 0)
        assert.deepStrictEqual(yield* state, former)
      })
    )
  )

  it.live("are not put into a database from before the first release, and the log says what to do", () =>
    Effect.gen(function* () {
      const url = yield* makeEmptyDatabase
      const database = yield* Layer.build(layerPostgres(url, 2))
      yield* Effect.provideContext(
        Effect.flatMap(SqlClient.SqlClient, (sql) =>
          Effect.andThen(sql`create table tallykeep_migration (migration_id int)`, sql`create table tally (count int)`)
        ),
        database
      )
      const lines: Array<string> = []
      yield* Effect.gen(function* () {
        const ledger = yield* Ledger
        yield* eventually(Effect.sync(() => assert.isAbove(lines.length, 0)))
        assert.strictEqual((yield* Effect.flip(ledger.ping))._tag, "OutOfService")
      }).pipe(
        Effect.provide(Ledger.layer.pipe(Layer.provide(layerPostgres(url, 2)))),
        Effect.provide(Logger.layer([Logger.make(({ logLevel, message }) => lines.push(`${logLevel} ${message}`))]))
      )
      assert.match(
        `${lines[0]}`,
        /^Error The database was made .* Set DATABASE_URL to a new database or.* DATA_DIR to a/
      )
      assert.strictEqual(yield* Effect.provideContext(state, database), "empty")
    }).pipe(Effect.scoped)
  )
})

/** The next version and one more step. */
const withStep = (text: string): Pick<LedgerSchema, "version" | "steps"> => ({
  version: nextSchema.version + 1,
  steps: [...nextSchema.steps, { number: nextSchema.version + 1, text }]
})
