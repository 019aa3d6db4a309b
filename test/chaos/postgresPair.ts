import { setTimeout as sleep } from "node:timers/promises"
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { startPostgres } from "../../src/embedded/PostgresServer.ts"
import { makeReplica } from "../support/makeReplica.ts"
import { eventually } from "./eventually.ts"
import { openGate } from "./proxy.ts"
import { makeTurns, type Pair, type RestartableServer, startServer } from "./server.ts"

/** Asks a server, by a connection of its own. */
export const askPostgres = <Row extends object>(url: string, statement: string): Promise<ReadonlyArray<Row>> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe<Row>(statement)).pipe(
    Effect.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 1, connectTimeout: "20 seconds" })),
    Effect.timeout("30 seconds"),
    Effect.runPromise
  )

/** In ms; the machine may be busy. */
const patience = 30_000
/** How long transactions may go on that began before the server became read-only. */
const grace = 1_000
/** How long a server that was demoted stays as it is, before it becomes the replica. */
const stay = 2_500

const has = async (server: RestartableServer, condition: string): Promise<boolean> => {
  const [row] = await askPostgres<{ holds: boolean }>(server.url(), `select (${condition}) as holds`)
  return row?.holds === true
}

/** Makes a server read-only, and waits until nothing is written any more; returns up to where its log goes. */
const makeReadOnly = async (server: RestartableServer): Promise<string> => {
  const ask = (statement: string) => askPostgres<Record<string, string>>(server.url(), statement)
  await ask("alter system set default_transaction_read_only = on")
  await ask("select pg_reload_conf()")
  // A new connection is read-only only once all others have been told.
  if (!(await eventually(() => has(server, "current_setting('transaction_read_only') = 'on'"), patience))) {
    throw new Error("PostgreSQL does not become read-only")
  }
  const [now] = await ask("select clock_timestamp()::text as time")
  const older =
    "from pg_stat_activity where backend_type = 'client backend' and state <> 'idle' " +
    `and pid <> pg_backend_pid() and coalesce(xact_start, query_start) <= '${now?.time}'`
  const none = () => has(server, `not exists (select ${older})`)
  if (!(await eventually(none, grace))) {
    // As those of a client that is frozen, or gone without a word.
    await ask(`select pg_terminate_backend(pid) ${older}`)
    if (!(await eventually(none, patience))) throw new Error("PostgreSQL's transactions don't end")
  }
  const [log] = await ask("select pg_current_wal_insert_lsn()::text as position")
  return log?.position ?? ""
}

/** Starts a PostgreSQL; its replica, each in its own data folder, is made meanwhile. */
export const startPostgresPair = async (folders: readonly [string, string]): Promise<Pair> => {
  const start = (folder: string) => startServer(startPostgres, folder)
  let primary = await start(folders[0])
  let replica: RestartableServer | undefined
  const turns = makeTurns()
  // The primary's port changes when it is started again.
  const gate = await openGate(() => primary.port())
  /** Servers that were demoted and are not the replica yet. */
  const demoted = new Set<RestartableServer>()

  const join = async (dataDir: string, old?: RestartableServer) => {
    await old?.stop()
    if (old !== undefined) demoted.delete(old)
    await Effect.runPromise(makeReplica({ dataDir: primary.dataDir, url: primary.url(), port: gate.port }, dataDir))
    replica = await start(dataDir)
  }
  await askPostgres(primary.url(), "alter system set wal_keep_size = '256MB'")
  await askPostgres(primary.url(), "select pg_reload_conf()")
  let joining = turns.take(() => join(folders[1]))

  return {
    port: () => primary.port(),
    url: (port) => primary.url(port),
    crash: async (signal, pause) => {
      await turns.take(async () => {
        await primary.end(signal)
        await sleep(pause)
        await primary.start()
      })
    },
    demote: async () => {
      await joining
      const done = await turns.take(async () => {
        const [old, next] = [primary, replica]
        if (next === undefined) return false
        const streams = () => has(old, "exists (select from pg_stat_replication where state = 'streaming')")
        if (!(await eventually(streams, patience))) return false
        const position = await makeReadOnly(old)
        if (!(await eventually(() => has(next, `pg_last_wal_replay_lsn() >= '${position}'`), patience))) {
          throw new Error("PostgreSQL's replica does not catch up")
        }
        await askPostgres(next.url(), "select pg_promote()")
        ;[primary, replica] = [next, undefined]
        demoted.add(old)
        joining = sleep(stay).then(() => turns.take(() => join(old.dataDir, old)))
        // The next one to demote it is told.
        joining.catch(() => undefined)
        return true
      })
      return done ?? false
    },
    close: async () => {
      await turns.close()
      gate.close()
      await joining.catch(() => undefined)
      await Promise.all([...demoted, replica, primary].map((server) => server?.stop()))
    }
  }
}
