import { Duration, Effect, Layer } from "effect"
import { layerLogging } from "./Logging.ts"
import { layerProgram, type Servers } from "./Program.ts"
import { loadSettings, type Role, type Settings } from "./Settings.ts"
import { installShutdown, tracked } from "./Shutdown.ts"
import { findVoterSecret } from "./VoterSecret.ts"

/** Loaded only where traces are wanted. */
const layerTelemetry = (role: Role, settings: Settings) =>
  settings.otlpEndpoint === undefined
    ? Layer.empty
    : Layer.unwrap(
        Effect.map(
          Effect.promise(() => import("./Tracing.ts")),
          ({ layerTracing }) => layerTracing(role, process.env)
        )
      )

/** The servers that the settings name, and embedded ones for those they don't. */
const findServers = Effect.fnUntraced(function* ({ dataDir, databaseReadUrl, databaseUrl, redisUrl }: Settings) {
  if (redisUrl !== undefined && databaseUrl !== undefined) {
    return { redisUrl, databaseUrl, databaseReadUrl } satisfies Servers
  }
  const { startEmbedded } = yield* Effect.promise(() => import("../embedded/Embedded.ts"))
  const embedded = yield* startEmbedded({
    dataDir,
    redis: redisUrl === undefined,
    postgres: databaseUrl === undefined
  })
  const servers = {
    redisUrl: redisUrl ?? embedded.redisUrl,
    databaseUrl: databaseUrl ?? embedded.databaseUrl,
    databaseReadUrl
  }
  yield* Effect.logInfo(`Embedded servers keep their data in ${dataDir}; connect with: . ${embedded.envFile}`)
  return servers as Servers
})

/** Runs a role until it is told to stop. `publicFolder` holds the pages' files. */
export const run = (role: Role, publicFolder: URL) =>
  Effect.gen(function* () {
    const given = yield* loadSettings(role)
    const settings = { ...given, voterSecret: role === "consumer" ? undefined : yield* findVoterSecret(given) }
    yield* Effect.sync(() => installShutdown(Duration.toMillis(settings.shutdownTimeout)))
    const program = Layer.unwrap(
      Effect.map(findServers(settings), (servers) => layerProgram(role, settings, servers, publicFolder))
    ).pipe(tracked("the embedded servers"))
    yield* Layer.launch(program).pipe(
      Effect.provide(layerTelemetry(role, settings)),
      Effect.provide(layerLogging(settings))
    )
  })
