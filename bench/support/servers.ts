import { Effect, Redacted } from "effect"
import { Redis } from "ioredis"
import { startEmbedded } from "../../src/embedded/Embedded.ts"
import { diskFolder, removeLeftovers } from "../../test/support/dataFolder.ts"
import { dropTemplates } from "./site.ts"

/** Redis and PostgreSQL of this run's own, unless the environment names some; gone with the scope. */
export const servers = Effect.gen(function* () {
  const { DATABASE_URL, REDIS_URL } = process.env
  // As in the tests: those of a run that was killed are ended and removed here.
  yield* removeLeftovers
  const dataDir = yield* diskFolder
  const embedded = yield* startEmbedded({
    dataDir,
    redis: REDIS_URL === undefined,
    postgres: DATABASE_URL === undefined
  })
  const urlOf = (given: string | undefined, ours: Redacted.Redacted<string> | undefined) =>
    given ?? (ours === undefined ? "" : Redacted.value(ours))
  const env = {
    ...process.env,
    REDIS_URL: urlOf(REDIS_URL, embedded.redisUrl),
    DATABASE_URL: urlOf(DATABASE_URL, embedded.databaseUrl)
  }
  if (embedded.redisUrl !== undefined) yield* Effect.promise(() => withoutRewrites(env.REDIS_URL))
  yield* Effect.addFinalizer(() => Effect.promise(() => dropTemplates(env)))
  return env
})

/** Redis writes its append-only file anew when it has doubled: in whoever's turn that falls. */
const withoutRewrites = async (url: string): Promise<void> => {
  const redis = new Redis(url)
  await redis.config("SET", "auto-aof-rewrite-percentage", "0")
  redis.disconnect()
}
