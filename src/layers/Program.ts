import { Duration, Effect, Layer, type Redacted, Schedule } from "effect"
import { HttpServer } from "effect/http"
import { layerFinality } from "../consumer/Finality.ts"
import { layerHousekeeping } from "../consumer/Housekeeping.ts"
import { layerLedgerRetention } from "../consumer/LedgerRetention.ts"
import { layerPool } from "../consumer/Pool.ts"
import { layerTabulating } from "../consumer/Tabulating.ts"
import { Lifecycle } from "../http/Lifecycle.ts"
import { layerManagementServer } from "../http/operations/ManagementServer.ts"
import { Probes } from "../http/operations/Probes.ts"
import { PublicFolder } from "../http/pages/PublicFolder.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { layerLedgerGauges } from "../ledger/LedgerGauges.ts"
import { LogStore } from "../ledger/LogStore.ts"
import { Partitions } from "../ledger/Partitions.ts"
import { PollActs } from "../ledger/PollActs.ts"
import { PollStore } from "../ledger/PollStore.ts"
import { Tabulations } from "../ledger/Tabulations.ts"
import { layerLogWriting } from "../log/LogWriting.ts"
import { Announcements } from "../stream/Announcements.ts"
import { Backlog } from "../stream/Backlog.ts"
import { Liveness } from "../stream/Liveness.ts"
import type { Work } from "../stream/Nodes.ts"
import { layerStreamGauges } from "../stream/StreamGauges.ts"
import { VoteStream } from "../stream/VoteStream.ts"
import { layerConsumerSettings, layerHttpSettings, layerLogSettings, layerStreamSettings } from "./FolderSettings.ts"
import { layerPostgres, layerReplica } from "./PostgresClient.ts"
import { layerProcessMetrics } from "./ProcessMetrics.ts"
import { layerRedis } from "./RedisClient.ts"
import type { Role, Settings } from "./Settings.ts"
import { tracked } from "./Shutdown.ts"
import { welcome } from "./Welcome.ts"

/** Where Redis and PostgreSQL are. */
export interface Servers {
  readonly redisUrl: Redacted.Redacted
  readonly redisCaFile: string | undefined
  readonly databaseUrl: Redacted.Redacted
  readonly databaseReadUrl: Redacted.Redacted | undefined
}

/** What the process has to be able to do: one with both roles takes votes while it can't count them. */
const workOf = (role: Role): Work => (role === "consumer" ? "count" : "append")

/** Returns how many connections to PostgreSQL there may be: one for each counting fiber, and a few for everything else. */
const defaultPool = (role: Role, { consumerFibers }: Settings): number => (role === "api" ? 0 : consumerFibers) + 4

/** Redis and PostgreSQL, the services built on them, and their metrics: shared by the API and the consumer. */
const layerParts = (role: Role, settings: Settings, servers: Servers) => {
  const maxConnections = settings.databasePool ?? defaultPool(role, settings)
  return Layer.mergeAll(
    layerStreamGauges(workOf(role)),
    layerLedgerGauges(maxConnections),
    layerProcessMetrics(role)
  ).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        VoteStream.layer,
        Ledger.layer,
        PollStore.layer,
        PollActs.layer,
        LogStore.layer,
        Announcements.layer
      )
    ),
    Layer.provideMerge(
      Layer.mergeAll(
        layerRedis(servers.redisUrl, { caFile: servers.redisCaFile, waits: settings.appendReplicas > 0 }),
        layerPostgres(servers.databaseUrl, maxConnections),
        layerReplica(servers.databaseReadUrl),
        layerStreamSettings(settings)
      )
    ),
    tracked("the connections to Redis and PostgreSQL")
  )
}

/**
 * Builds the program of a role, as one graph whose nesting is the order of the shutdown: a part that has to end first
 * depends on the one that has to end last. The API depends on the pool, so that the votes it still accepts can be
 * counted, and both depend on the connections.
 */
export const layerProgram = (role: Role, settings: Settings, servers: Servers, publicFolder: URL) => {
  const retention = settings.ledgerRetention && Duration.toMillis(settings.ledgerRetention)
  const pool = Layer.mergeAll(
    layerPool,
    layerHousekeeping,
    layerFinality,
    layerLedgerRetention(retention).pipe(Layer.provide(Partitions.layer))
  ).pipe(Layer.provide(layerConsumerSettings(settings)), tracked("the consumer pool"))
  // Redis may not be connected yet when the first votes come in, right after the start.
  const connected = Layer.effectDiscard(
    Effect.flatMap(VoteStream, ({ check }) =>
      check("append").pipe(
        Effect.filterOrFail((refusals) => refusals.length === 0),
        Effect.retry(Schedule.spaced("5 millis")),
        Effect.timeoutOption("2 seconds")
      )
    )
  )
  const counting = Layer.effectDiscard(
    Effect.gen(function* () {
      const lifecycle = yield* Lifecycle
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          lifecycle.phase = "running"
        }),
        () =>
          Effect.sync(() => {
            lifecycle.phase = "stopping"
          })
      )
      yield* Effect.logInfo("Counting votes")
    })
  )
  // A consumer need not load it.
  const server = Layer.unwrap(
    Effect.promise(async () => {
      const { layerServer } = await import("../http/Server.ts")
      const { layerHttpServices } = await import("../http/HttpServices.ts")
      return layerServer.pipe(Layer.provide([connected, layerHttpServices]))
    })
  )
  const listening = HttpServer.addressFormattedWith((address) => Effect.logInfo(`Listening on ${address}`))
  // Listening is not being ready: the first start makes the schema.
  const greeting = Ledger.pipe(
    Effect.flatMap(({ migrated }) => Effect.andThen(migrated, welcome(settings.adminToken !== undefined))),
    Effect.forkScoped
  )
  const api = Layer.effectDiscard(
    settings.environment === "production" ? listening : Effect.andThen(listening, greeting)
  ).pipe(
    Layer.provideMerge(server),
    Layer.provide([Backlog.layer, Layer.succeed(PublicFolder, publicFolder)]),
    tracked("the HTTP server")
  )
  // Nothing waits for these, and they need nothing of what they stop before.
  const following = Layer.mergeAll(
    layerTabulating.pipe(Layer.provide(Tabulations.layer), tracked("the tabulation")),
    layerLogWriting.pipe(Layer.provide(layerLogSettings(settings)), tracked("the public logs"))
  )
  const branches = {
    api,
    consumer: following.pipe(Layer.provide(counting), Layer.provide(pool)),
    all: following.pipe(Layer.provideMerge(api), Layer.provide(pool))
  }
  return branches[role].pipe(
    Layer.provide(
      layerManagementServer.pipe(
        Layer.provideMerge(role === "consumer" ? Probes.layerOfConsumer : Probes.layer),
        tracked("the management server")
      )
    ),
    Layer.provide([Lifecycle.layer, Liveness.layer, layerHttpSettings(settings)]),
    Layer.provide(layerParts(role, settings, servers))
  )
}
