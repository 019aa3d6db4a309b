import { chownSync, copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { copyFile, mkdir, readdir } from "node:fs/promises"
import { join } from "node:path"
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { postgresFolder } from "../../src/embedded/PostgresFolder.ts"

/** What belongs to the server that runs, rather than to its data. */
const left = new Set(["postmaster.pid", "postmaster.opts", "postgresql.auto.conf"])
/** Folders whose files a server makes anew, or is sent. */
const emptied = new Set([
  "pg_wal",
  "pg_replslot",
  "pg_dynshmem",
  "pg_notify",
  "pg_serial",
  "pg_snapshots",
  "pg_subtrans"
])

const isGone = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT"

/** Copies the files of a server that may be running, which removes some meanwhile. */
const copyFiles = async (from: string, to: string): Promise<void> => {
  await mkdir(to, { mode: 0o700 })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory() && emptied.has(entry.name)) await mkdir(target, { mode: 0o700 })
    else if (entry.isDirectory()) await copyFiles(source, target)
    else if (!left.has(entry.name)) {
      await copyFile(source, target).catch((error: unknown) => {
        if (!isGone(error)) throw error
      })
    }
  }
}

const give = (path: string, { gid, uid }: { readonly gid: number; readonly uid: number }): void => {
  chownSync(path, uid, gid)
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const inside = join(path, entry.name)
    if (entry.isDirectory()) give(inside, { gid, uid })
    else chownSync(inside, uid, gid)
  }
}

/** A running PostgreSQL, and where others reach it. */
export interface Source {
  readonly dataDir: string
  readonly url: string
  /** Leads to it, also after it was started again. */
  readonly port: number
}

/**
 * Makes the data of a streaming replica of a running server, in place of what the folder holds, as a base backup does; what
 * is started there then is the replica.
 */
export const makeReplica = Effect.fnUntraced(function* (source: Source, dataDir: string) {
  const { account, folder } = postgresFolder(dataDir)
  const data = join(folder, "data")
  rmSync(data, { recursive: true, force: true })
  const password = join(dataDir, "postgres.password")
  if (source.dataDir !== dataDir) copyFileSync(join(source.dataDir, "postgres.password"), password)

  const { password: secret, username } = new URL(source.url)
  const settings = [
    `primary_conninfo = 'host=127.0.0.1 port=${source.port} user=${username} password=${secret}'`,
    "wal_keep_size = '256MB'",
    "wal_retrieve_retry_interval = '100ms'"
  ]
  yield* Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`select pg_backup_start('replica', fast => true)::text`
    yield* Effect.promise(() => copyFiles(join(postgresFolder(source.dataDir).folder, "data"), data))
    const [backup] = yield* sql<{ labelfile: string }>`select labelfile from pg_backup_stop(wait_for_archive => false)`
    mkdirSync(join(data, "pg_wal/archive_status"), { recursive: true })
    writeFileSync(join(data, "backup_label"), backup?.labelfile ?? "")
    writeFileSync(join(data, "postgresql.auto.conf"), `${settings.join("\n")}\n`)
    writeFileSync(join(data, "standby.signal"), "")
    if (account !== undefined) give(data, account)
  }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(source.url), maxConnections: 1 })))
})
