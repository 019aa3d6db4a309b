import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { Effect, Redacted } from "effect"
import { postgresFolder } from "../../src/embedded/PostgresFolder.ts"
import { startPostgres } from "../../src/embedded/PostgresServer.ts"
import type { Account } from "../../src/embedded/ServerProcess.ts"
import { dataFolder } from "./dataFolder.ts"
import { quiet } from "./servers.ts"

const copyFolder = (from: string, to: string, account: Account | undefined): void => {
  mkdirSync(to)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) copyFolder(source, target, account)
    else copyFileSync(source, target)
  }
  for (const path of [to, ...readdirSync(to).map((name) => join(to, name))]) {
    chmodSync(path, lstatSync(path).isDirectory() ? 0o700 : 0o600)
    if (account !== undefined) chownSync(path, account.uid, account.gid)
  }
}

/** Starts a PostgreSQL and a streaming replica of it, made from a copy of its files while it was stopped. */
export const primaryAndReplica = Effect.gen(function* () {
  const [primaryDir, replicaDir] = [yield* dataFolder, yield* dataFolder]
  yield* Effect.scoped(startPostgres({ dataDir: primaryDir }))
  const { account, folder } = postgresFolder(replicaDir)
  const data = join(folder, "data")
  copyFolder(join(postgresFolder(primaryDir).folder, "data"), data, account)
  copyFileSync(join(primaryDir, "postgres.password"), join(replicaDir, "postgres.password"))
  const primary = yield* startPostgres({ dataDir: primaryDir })

  const { password, port, username } = new URL(Redacted.value(primary.url))
  const source = `host=127.0.0.1 port=${port} user=${username} password=${password}`
  appendFileSync(join(data, "postgresql.auto.conf"), `primary_conninfo = '${source}'\n`)
  writeFileSync(join(data, "standby.signal"), "")
  return { primary, replica: yield* startPostgres({ dataDir: replicaDir }) }
}).pipe(Effect.provide(quiet))
