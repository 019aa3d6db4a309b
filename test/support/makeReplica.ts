import { copyFileSync, type Dirent } from "node:fs"
import { chown, copyFile, mkdir, readdir, rm, writeFile } from "node:fs/promises"
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

type Own = (path: string) => Promise<void>

/** Copies the files of a server that may be running, which removes some meanwhile; all at once, since the process may be busy. */
const copyFiles = async (from: string, to: string, own: Own): Promise<void> => {
  await mkdir(to, { mode: 0o700 })
  await own(to)
  const copy = async (entry: Dirent): Promise<void> => {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory() && !emptied.has(entry.name)) return copyFiles(source, target, own)
    if (left.has(entry.name)) return
    await (entry.isDirectory() ? mkdir(target, { mode: 0o700 }) : copyFile(source, target))
    await own(target)
  }
  const entries = await readdir(from, { withFileTypes: true })
  await Promise.all(
    entries.map((entry) =>
      copy(entry).catch((error: unknown) => {
        if (!isGone(error)) throw error
      })
    )
  )
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
  const own: Own = async (path) => (account === undefined ? undefined : chown(path, account.uid, account.gid))
  const { password, username } = new URL(source.url)
  const settings = [
    `primary_conninfo = 'host=127.0.0.1 port=${source.port} user=${username} password=${password}'`,
    "wal_keep_size = '256MB'",
    "wal_retrieve_retry_interval = '100ms'"
  ]
  copyFileSync(join(source.dataDir, "postgres.password"), join(dataDir, "postgres.password"))
  yield* Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`select pg_backup_start('replica', fast => true)::text`
    yield* Effect.promise(async () => {
      await rm(data, { recursive: true, force: true })
      await copyFiles(join(postgresFolder(source.dataDir).folder, "data"), data, own)
    })
    const [backup] = yield* sql<{ labelfile: string }>`select labelfile from pg_backup_stop(wait_for_archive => false)`
    const files = [
      ["backup_label", backup?.labelfile ?? ""],
      ["postgresql.auto.conf", `${settings.join("\n")}\n`],
      ["standby.signal", ""]
    ] as const
    yield* Effect.promise(async () => {
      for (const [name, text] of files) {
        await writeFile(join(data, name), text, { mode: 0o600 })
        await own(join(data, name))
      }
    })
  }).pipe(
    Effect.provide(PgClient.layer({ url: Redacted.make(source.url), maxConnections: 1, connectTimeout: "20 seconds" }))
  )
})
