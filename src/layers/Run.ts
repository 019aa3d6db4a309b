import { Console, Duration, Effect, Layer } from "effect"
import { findLogKey, findVoterSecret } from "./KeptSecrets.ts"
import { layerLogging } from "./Logging.ts"
import { misspelledSettings } from "./MisspelledSettings.ts"
import { outliveOutput } from "./Output.ts"
import { layerProgram, type Servers } from "./Program.ts"
import { loadSettings, type Role, type Settings } from "./Settings.ts"
import { installShutdown, tracked } from "./Shutdown.ts"

/** Loads what traces take only where they are wanted. */
const layerTelemetry = (role: Role, settings: Settings) =>
  settings.otlpEndpoint === undefined
    ? Layer.empty
    : Layer.unwrap(
        Effect.map(
          Effect.promise(() => import("./Tracing.ts")),
          ({ layerTracing }) => layerTracing(role, settings.environment, process.env)
        )
      )

/** Finds the servers that the settings name, and starts embedded ones in place of those they don't name. */
const findServers = Effect.fnUntraced(function* ({ dataDir, databaseReadUrl, redisCaFile, ...given }: Settings) {
  if (given.redisUrl !== undefined && given.databaseUrl !== undefined) {
    return { redisUrl: given.redisUrl, redisCaFile, databaseUrl: given.databaseUrl, databaseReadUrl } satisfies Servers
  }
  const { startEmbedded } = yield* Effect.promise(() => import("../embedded/Embedded.ts"))
  const embedded = yield* startEmbedded({
    dataDir,
    redis: given.redisUrl === undefined,
    postgres: given.databaseUrl === undefined
  })
  yield* Effect.logInfo(`Embedded servers keep their data in ${dataDir}; connect with: . ${embedded.envFile}`)
  const redisUrl = given.redisUrl ?? embedded.redisUrl
  const databaseUrl = given.databaseUrl ?? embedded.databaseUrl
  if (redisUrl === undefined || databaseUrl === undefined) {
    return yield* Effect.die(new Error("A server that is not configured was not started either"))
  }
  return { redisUrl, redisCaFile, databaseUrl, databaseReadUrl } satisfies Servers
})

/** Runs a role until it is told to stop. `publicFolder` holds the pages' files. */
export const run = (role: Role, publicFolder: URL) =>
  Effect.gen(function* () {
    const misspelled = misspelledSettings(process.env)
    const given = yield* loadSettings(role).pipe(
      // There is no logging yet: it depends on the settings.
      Effect.tapError(() => Effect.forEach(misspelled, (sentence) => Console.error(sentence)))
    )
    // Each role has the secrets of its work, and no others.
    const settings = {
      ...given,
      voterSecret: role === "consumer" ? undefined : yield* findVoterSecret(given),
      logKey: role === "api" ? undefined : yield* findLogKey(given)
    }
    yield* Effect.sync(() => {
      installShutdown(Duration.toMillis(settings.shutdownTimeout))
      outliveOutput()
    })
    const program = Layer.unwrap(
      Effect.andThen(
        Effect.forEach(misspelled, (sentence) => Effect.logWarning(sentence)),
        Effect.map(findServers(settings), (servers) => layerProgram(role, settings, servers, publicFolder))
      )
    ).pipe(tracked("the embedded servers"))
    yield* Layer.launch(program).pipe(
      Effect.provide(layerTelemetry(role, settings)),
      Effect.provide(layerLogging(settings))
    )
  })
