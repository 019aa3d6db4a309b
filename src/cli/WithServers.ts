import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Layer, Logger, Redacted, References, Schedule } from "effect"
import { layerPostgres, layerReplica } from "../layers/PostgresClient.ts"
import type { Servers } from "../layers/Program.ts"
import { layerRedis } from "../layers/RedisClient.ts"
import { loadSettings, type Settings, SettingsError } from "../layers/Settings.ts"
import { obstacleOf } from "../ledger/KeepMigrating.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { migrate } from "../ledger/Migrations.ts"
import { command, Redis } from "../stream/Redis.ts"
import { everyShard } from "../stream/Shards.ts"
import { CommandFailed } from "./CommandFailed.ts"

/** The settings that commands use; none of them is a server's URL. */
export type CommandSettings = Pick<
  Settings,
  | "appendReplicas"
  | "blockMs"
  | "consumerGroup"
  | "dataDir"
  | "environment"
  | "logOrigin"
  | "maxRetries"
  | "streamName"
  | "streamShards"
  | "voterSecret"
>

/** Finds the servers that the settings name, or those that a program has started in the data folder and still runs. */
const findServersRunning = Effect.fnUntraced(function* (settings: Settings) {
  const env = yield* Effect.promise(() => readFile(join(settings.dataDir, "env"), "utf8").catch(() => ""))
  const embedded = (name: string) => {
    const value = new RegExp(`^export ${name}='(.*)'$`, "m").exec(env)?.[1]
    return value === undefined ? undefined : Redacted.make(value, { label: name })
  }
  const redisUrl = settings.redisUrl ?? embedded("REDIS_URL")
  const databaseUrl = settings.databaseUrl ?? embedded("DATABASE_URL")
  if (redisUrl === undefined || databaseUrl === undefined) {
    const problems = ["REDIS_URL and DATABASE_URL are not both set, and no embedded servers run in DATA_DIR"]
    return yield* new SettingsError({ problems })
  }
  const { databaseReadUrl, redisCaFile } = settings
  return { redisUrl, redisCaFile, databaseUrl, databaseReadUrl } satisfies Servers
})

/** Runs a command for people against the running servers; log lines go to stderr, apart from what it prints. */
export const withServers = <A, E, R>(body: (settings: CommandSettings) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const settings = yield* loadSettings("all")
    const servers = yield* findServersRunning(settings)
    // Asks all shards that there could be, so that all nodes of a cluster are known.
    const connected = Effect.flatMap(Redis, (redis) =>
      Effect.forEach(everyShard(redis, settings.streamName), ({ client, stream }) =>
        command(() => client.exists(stream))
      )
    ).pipe(Effect.retry({ schedule: Schedule.spaced("20 millis"), times: 150 }))
    return yield* Effect.andThen(connected, body(settings)).pipe(
      Effect.provide([
        layerRedis(servers.redisUrl, { caFile: servers.redisCaFile }),
        layerPostgres(servers.databaseUrl, 2),
        layerReplica(servers.databaseReadUrl)
      ]),
      Effect.provide(Layer.mergeAll(Logger.layer([Logger.consolePretty()]), Layer.succeed(Logger.LogToStderr, true))),
      Effect.provideService(References.MinimumLogLevel, settings.logLevel === "Info" ? "Warn" : settings.logLevel)
    )
  })

/**
 * The same for a command on the ledger, whose tables and functions are those of this version then. What is in the way of that ends the
 * command: it does not wait until time or an operator has mended it, as a service does.
 */
export const withLedger = <A, E, R>(body: (settings: CommandSettings) => Effect.Effect<A, E, R>) =>
  withServers((settings) =>
    migrate().pipe(
      Effect.mapError((error) => new CommandFailed({ message: obstacleOf(error).why })),
      Effect.andThen(Effect.provide(body(settings), Ledger.layer))
    )
  )
