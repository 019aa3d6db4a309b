import { Effect, Exit, Redacted, Scope } from "effect"
import type { TestProject } from "vitest/node"
import { startEmbedded } from "../../src/embedded/Embedded.ts"
import { layerPostgres } from "../../src/layers/PostgresClient.ts"
import { migrate } from "../../src/ledger/Migrations.ts"
import { keepInMemory, makeFastFolder, removeDataFolder, removeLeftovers } from "./dataFolder.ts"
import { uniqueName } from "./names.ts"
import { query } from "./query.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** A Redis that all tests share; each test uses names of its own. */
    redisUrl: string
    /** A PostgreSQL that all tests share, with a user who may create databases. */
    databaseUrl: string
    /** The name of a database there in which tables and functions were made, for the tests' own to be copied from. */
    template: string
  }
}

/** Starts what the environment does not name. */
const startServers = Effect.fnUntraced(function* ({ REDIS_URL, DATABASE_URL }: NodeJS.ProcessEnv) {
  if (REDIS_URL && DATABASE_URL) return { redisUrl: REDIS_URL, databaseUrl: DATABASE_URL }
  yield* removeLeftovers
  const dataDir = yield* Effect.acquireRelease(Effect.sync(makeFastFolder), (folder) =>
    Effect.sync(() => removeDataFolder(folder))
  )
  keepInMemory(dataDir)
  const started = yield* startEmbedded({ dataDir, redis: !REDIS_URL, postgres: !DATABASE_URL })
  const urlOf = (url: Redacted.Redacted<string> | undefined) => (url === undefined ? undefined : Redacted.value(url))
  return {
    redisUrl: REDIS_URL || (urlOf(started.redisUrl) ?? ""),
    databaseUrl: DATABASE_URL || (urlOf(started.databaseUrl) ?? "")
  }
})

/** To make the tables and functions takes longer than most tests do, and to copy them a sixth of that. */
const makeTemplate = Effect.fnUntraced(function* (server: string) {
  const name = uniqueName("template")
  const run = (statement: string) => Effect.orDie(query(Redacted.make(server), statement))
  yield* Effect.acquireRelease(run(`create database "${name}"`), () => run(`drop database "${name}" with (force)`))
  const url = new URL(server)
  url.pathname = name
  yield* Effect.provide(migrate(), layerPostgres(Redacted.make(url.href), 1))
  return name
})

/** Gives the tests the Redis and PostgreSQL of the environment, or real ones that live as long as the run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const scope = Scope.makeUnsafe()
  const tearDown = () => Effect.runPromise(Scope.close(scope, Exit.void))
  const start = Effect.gen(function* () {
    const { databaseUrl, redisUrl } = yield* startServers(process.env)
    project.provide("redisUrl", redisUrl)
    project.provide("databaseUrl", databaseUrl)
    project.provide("template", yield* makeTemplate(databaseUrl))
  })
  try {
    await Effect.runPromise(Scope.provide(start, scope))
  } catch (error) {
    await tearDown()
    throw error
  }
  return tearDown
}
