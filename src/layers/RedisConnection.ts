import { Effect } from "effect"
import { Redis as IoRedis, type RedisOptions } from "ioredis"
import { makeMeter } from "../Meter.ts"
import { type Connection, commandTimeout } from "../stream/Redis.ts"
import { scripts } from "../stream/Scripts.ts"

const connectTimeout = 2_000

/** Returns the pause before the next try to reconnect, in ms. */
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
  // A failure of ioredis's own SUBSCRIBE is handled by nobody and ends the process; ours is sent with each "ready".
  autoResubscribe: false,
  maxRetriesPerRequest: 0
} satisfies RedisOptions

/** The further options of a connection for commands that don't block. */
export const sharedOptions = {
  enableAutoPipelining: true,
  // These do not wait for what was sent before them.
  autoPipeliningIgnoredCommands: ["appendVotes"],
  commandTimeout,
  connectionName: "tallykeep"
}

/** Makes a connection that does not connect yet. */
export const newConnection = (url: string, options: Omit<RedisOptions, "replyMapping">): Connection =>
  // ioredis makes a method of each script.
  new IoRedis(url, { ...common, ...options }) as Connection

/** Makes a function that logs once when a connection is lost and once when it is back, and counts reconnects. */
export const makeWatch = Effect.gen(function* () {
  const meter = yield* makeMeter
  const reconnected = meter.counter("tallykeep_reconnects_total", "Times that the server answered again", {
    server: "redis"
  })
  const runFork = Effect.runForkWith(yield* Effect.context<never>())
  return (label: string, connection: Connection): Connection => {
    let reachable: boolean | undefined
    connection.on("error", (error: Error) => {
      if (reachable !== false) runFork(Effect.logWarning(`Redis (${label}): ${error.message || error.name}`))
      reachable = false
    })
    connection.on("ready", () => {
      if (reachable === false) runFork(Effect.logInfo(`Redis (${label}) is back`))
      if (reachable !== undefined) reconnected()
      reachable = true
    })
    return connection
  }
})

/** Connects, and keeps trying. */
export const connect = (connection: Connection): void => {
  // The "error" event reports a first failure, and ioredis tries again as after a later one.
  connection.connect().catch(() => undefined)
}
