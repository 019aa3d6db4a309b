import { Effect, Exit, Redacted, Scope } from "effect"
import type { TestProject } from "vitest/node"
import { startEmbedded } from "../../src/embedded/Embedded.ts"
import { makeDataFolder, removeDataFolder, removeLeftovers } from "./dataFolder.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** A Redis that all tests share; each test uses names of its own. */
    redisUrl: string
    /** A PostgreSQL that all tests share, with a user who may create databases. */
    databaseUrl: string
  }
}

/** Gives the tests the Redis and PostgreSQL of the environment, or real ones that live as long as the run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { REDIS_URL, DATABASE_URL } = process.env
  if (REDIS_URL) project.provide("redisUrl", REDIS_URL)
  if (DATABASE_URL) project.provide("databaseUrl", DATABASE_URL)
  if (REDIS_URL && DATABASE_URL) return async () => undefined

  await Effect.runPromise(removeLeftovers)
  const dataDir = makeDataFolder()
  const scope = Scope.makeUnsafe()
  const tearDown = async () => {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    removeDataFolder(dataDir)
  }
  try {
    const started = await Effect.runPromise(
      startEmbedded({ dataDir, redis: !REDIS_URL, postgres: !DATABASE_URL }).pipe(Scope.provide(scope))
    )
    if (started.redisUrl) project.provide("redisUrl", Redacted.value(started.redisUrl))
    if (started.databaseUrl) project.provide("databaseUrl", Redacted.value(started.databaseUrl))
  } catch (error) {
    await tearDown()
    throw error
  }
  return tearDown
}
