import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { Effect, Redacted, type Scope } from "effect"
import { attempt, type EmbeddedError } from "./EmbeddedError.ts"
import { keepRunning } from "./KeepRunning.ts"
import { ownDataFolder } from "./OwnerLock.ts"
import { endOrphanedPostgres, startPostgres } from "./PostgresServer.ts"
import { endOrphanedRedis, startRedis } from "./RedisServer.ts"

export interface Embedded {
  readonly redisUrl?: Redacted.Redacted<string>
  readonly databaseUrl?: Redacted.Redacted<string>
  /** A file for a shell: `. file` sets REDIS_URL and DATABASE_URL to what was started here. */
  readonly envFile: string
}

/** Makes itself the owner of the data folder, which may be missing, and ends the servers that a killed owner left running. */
const takeOver = Effect.fnUntraced(function* (dataDir: string) {
  yield* attempt(`make the data folder ${dataDir}`, () => mkdirSync(dataDir, { recursive: true, mode: 0o700 }))
  yield* ownDataFolder(dataDir)
  yield* Effect.all([endOrphanedRedis(dataDir), endOrphanedPostgres(dataDir)], { concurrency: "unbounded" })
})

/** Ends what a killed program left running on the data folder; fails where a living one owns it. */
export const endOrphans = (dataDir: string): Effect.Effect<void, EmbeddedError> =>
  Effect.scoped(takeOver(resolve(dataDir)))

/**
 * Runs a real Redis and a real PostgreSQL on loopback, on free ports, with their data kept in `dataDir` across
 * restarts; one that dies is started again. They stop when the scope closes, so what uses them must close before it.
 */
export const startEmbedded = Effect.fn("startEmbedded")(function* (options: {
  readonly dataDir: string
  readonly redis: boolean
  readonly postgres: boolean
}): Effect.fn.Return<Embedded, EmbeddedError, Scope.Scope> {
  const dataDir = resolve(options.dataDir)
  yield* takeOver(dataDir)
  const { redis, postgres } = yield* Effect.all(
    {
      redis: options.redis ? keepRunning("Redis", (port) => startRedis({ dataDir, port })) : Effect.undefined,
      postgres: options.postgres
        ? keepRunning("PostgreSQL", (port) => startPostgres({ dataDir, port }))
        : Effect.undefined
    },
    { concurrency: "unbounded" }
  )
  const envFile = join(dataDir, "env")
  yield* attempt(`write ${envFile}`, () => {
    const lines = [
      ...(redis ? [`export REDIS_URL='${Redacted.value(redis.url)}'\n`] : []),
      ...(postgres ? [`export DATABASE_URL='${Redacted.value(postgres.url)}'\n`] : [])
    ]
    // The mode is that of a new file only.
    rmSync(envFile, { force: true })
    writeFileSync(envFile, lines.join(""), { mode: 0o600 })
  })
  return {
    envFile,
    ...(redis && { redisUrl: redis.url }),
    ...(postgres && { databaseUrl: postgres.url })
  }
})
