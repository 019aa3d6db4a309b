import { Effect } from "effect"
import { Redis as IoRedis, type RedisOptions } from "ioredis"
import { makeMeter } from "../Meter.ts"
import { type Connection, commandTimeout } from "../stream/Redis.ts"
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

/** What a connection for commands that don't block has besides. */
export const sharedOptions = {
  enableAutoPipelining: true,
  // They wait for nothing that was sent before.
  autoPipeliningIgnoredCommands: ["appendVotes"],
  commandTimeout,
  connectionName: "tallykeep"
}

/** A connection that is not made yet. */
export const newConnection = (url: string, options: Omit<RedisOptions, "replyMapping">): Connection =>
  // ioredis makes a method of each script.
  new IoRedis(url, { ...common, ...options }) as Connection

/** Has it said once when a connection is lost and when it is there again, and counts that. */
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

/** Connects, and stays at it. */
export const connect = (connection: Connection): void => {
  // A first failure is told by the "error" event, and tried again like a later one.
  connection.connect().catch(() => undefined)
}
