import { hostname } from "node:os"
import { Duration, Layer, Redacted } from "effect"
import { ConsumerSettings } from "../consumer/ConsumerSettings.ts"
import { HttpSettings } from "../http/HttpSettings.ts"
import { LogSettings } from "../log/LogSettings.ts"
import { StreamSettings } from "../stream/StreamSettings.ts"
import { maxOpenFiles } from "./OpenFiles.ts"
import { listedSecrets } from "./SettingKinds.ts"
import type { Settings } from "./Settings.ts"

/*
 * What the folders are told of the settings: each has a service of its own, and knows nothing of the others' or the environment.
 */

const revealAll = (secrets: Redacted.Redacted | undefined) =>
  secrets === undefined ? [] : listedSecrets(Redacted.value(secrets))

/** Names each field, so that the HTTP side is never given a server's URL by accident. */
export const layerHttpSettings = (settings: Settings) =>
  Layer.sync(HttpSettings, () => {
    const maxConnections = settings.maxConnections ?? Math.floor(maxOpenFiles() * 0.8)
    return HttpSettings.of({
      host: settings.host,
      port: settings.port,
      managementPort: settings.managementPort,
      fastLane: settings.otlpEndpoint === undefined,
      production: settings.environment === "production",
      corsOrigins: settings.corsOrigins,
      maxRequestSize: settings.maxRequestSize,
      maxConnections,
      maxViewers: settings.maxViewers ?? Math.floor(maxConnections / 2),
      maxViewersPerClient: settings.maxViewersPerClient,
      rateLimit: settings.rateLimit,
      readLimit: settings.readLimit,
      newVoterLimit: settings.newVoterLimit,
      trustProxy: settings.trustProxy,
      adminTokens: revealAll(settings.adminToken),
      voterSecrets: revealAll(settings.voterSecret),
      jwksUrl: settings.jwksUrl,
      jwtIssuer: settings.jwtIssuer,
      jwtAudience: settings.jwtAudience,
      idempotencyTtl: Duration.toMillis(settings.idempotencyTtl),
      shutdownDelay: Duration.toMillis(settings.shutdownDelay)
    })
  })

export const layerStreamSettings = (settings: Settings) =>
  Layer.succeed(
    StreamSettings,
    StreamSettings.of({
      stream: settings.streamName,
      shards: settings.streamShards,
      group: settings.consumerGroup,
      blockMs: settings.blockMs,
      maxBacklog: settings.maxBacklog,
      idempotencyTtl: Duration.toMillis(settings.idempotencyTtl),
      idempotencyMemory: settings.idempotencyMemory,
      appendReplicas: settings.appendReplicas,
      tracing: settings.otlpEndpoint !== undefined
    })
  )

export const layerConsumerSettings = (settings: Settings) =>
  Layer.succeed(
    ConsumerSettings,
    ConsumerSettings.of({
      // The embedded Redis has one consumer process: under the same name, it takes up what it had when it was killed.
      consumer:
        settings.consumerName ?? (settings.redisUrl === undefined ? "embedded" : `${hostname()}-${process.pid}`),
      fibers: settings.consumerFibers,
      batchSize: settings.batchSize,
      blockMs: settings.blockMs,
      countWithin: Duration.toMillis(settings.countWithin),
      claimIdleMs: settings.claimIdleMs,
      maxRetries: settings.maxRetries,
      streamRetention: settings.streamRetention,
      fastRead: true
    })
  )

export const layerLogSettings = (settings: Settings) =>
  Layer.succeed(
    LogSettings,
    LogSettings.of({
      keys: revealAll(settings.logKey).map((seed) => Redacted.make(seed)),
      host: settings.logOrigin
    })
  )
