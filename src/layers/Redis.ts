import { Effect, Layer, Redacted } from "effect"
import { Redis as IoRedis, type RedisOptions } from "ioredis"
import { makeMeter } from "../Metrics.ts"
import { type Connection, commandTimeout, Redis } from "../stream/Redis.ts"
import { scripts } from "../stream/Scripts.ts"

const connectTimeout = 2_000

/** Between tries to reconnect, in ms. */
const retryStrategy = (times: number): number => Math.min(25 * 2 ** Math.min(times, 6), 1_000)

const common = {
  lazyConnect: true,
  scripts,
  connectTimeout,
  keepAlive: 10_000,
  noDelay: true,
  retryStrategy,
  // A command that is queued while Redis is away, or sent again after a reconnect, may run late or twice.
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  // ioredis leaves a failure of its own SUBSCRIBE to nobody, which ends the process; ours is sent with each "ready".
  autoResubscribe: false,
  maxRetriesPerRequest: 0
} satisfies RedisOptions

/** Connects to the Redis at `url`, and stays at it while Redis is away. */
export const layerRedis = (url: Redacted.Redacted): Layer.Layer<Redis> =>
  Layer.effect(
    Redis,
    Effect.gen(function* () {
      const meter = yield* makeMeter
      const reconnected = meter.counter("tallykeep_reconnects_total", "Times that the server answered again", {
        server: "redis"
      })
      const runFork = Effect.runForkWith(yield* Effect.context<never>())

      const connect = (name: string, options: { enableAutoPipelining?: boolean; commandTimeout?: number }) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            // ioredis makes a method of each script.
            const connection = new IoRedis(Redacted.value(url), {
              ...common,
              ...options,
              connectionName: name
            }) as Connection
            let reachable: boolean | undefined
            connection.on("error", (error: Error) => {
              if (reachable !== false) runFork(Effect.logWarning(`Redis (${name}): ${error.message || error.name}`))
              reachable = false
            })
            connection.on("ready", () => {
              if (reachable === false) runFork(Effect.logInfo(`Redis (${name}) is back`))
              if (reachable !== undefined) reconnected()
              reachable = true
            })
            // A first failure is told by the "error" event, and tried again like a later one.
            connection.connect().catch(() => undefined)
            return connection
          }),
          (connection) => Effect.sync(() => connection.disconnect())
        )

      const client = yield* connect("tallykeep", { enableAutoPipelining: true, commandTimeout })
      return Redis.of({ client, dedicated: (name) => connect(name, {}) })
    })
  )
