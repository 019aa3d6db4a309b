import { Effect, Option } from "effect"
import { Command, Redis as IoRedis, type RedisOptions } from "ioredis"
import { untilBeat } from "../Elapsed.ts"
import { makeMeter } from "../Meter.ts"
import { type Connection, commandTimeout, Unsuitable } from "../stream/Redis.ts"
import { scripts } from "../stream/Scripts.ts"
import type { RedisLogin, RedisServer } from "./RedisAddress.ts"
import { beat, makePulse, quietBeat } from "./RedisPulse.ts"

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

/**
 * Gives up a command that is not answered in time, once what has come by then is read. ioredis goes by its timer alone, to which a
 * process that was not run for a while comes first: the votes of such a command would be in the stream, and their voters told
 * to try again.
 */
Command.prototype.setTimeout = function (ms) {
  const giveUp = () => {
    if (!this.isSettled) this.reject(new Error("Command timed out"))
  }
  // Under the name by which it is stopped when the answer comes.
  Object.assign(this, { _commandTimeoutTimer: setTimeout(() => setImmediate(giveUp), ms) })
}

/** The further options of a connection for commands that don't block. */
export const sharedOptions = {
  enableAutoPipelining: true,
  // These do not wait for what was sent before them.
  autoPipeliningIgnoredCommands: ["appendVotes"],
  commandTimeout,
  connectionName: "tallykeep"
}

/** Those of a connection for writes that wait for replicas, each of which is sent in one go. */
export const writerOptions = { ...sharedOptions, enableAutoPipelining: false, connectionName: "tallykeep-writer" }

/** Where a connection leads, and what is said there first. The host may be found out later. */
export type RedisPlace = RedisLogin & Partial<RedisServer>

/** Returns a place as ioredis wants it. */
export const optionsOf = ({ tls, ...place }: RedisPlace): Omit<RedisOptions, "replyMapping"> => ({
  ...place,
  tls: tls ? {} : undefined
})

/** Makes a connection that does not connect yet. Each time that it connects again, `place` says where to. */
export const newConnection = (place: () => RedisPlace, options: Omit<RedisOptions, "replyMapping">): Connection => {
  // ioredis makes a method of each script.
  const connection = new IoRedis({ ...common, ...options, ...optionsOf(place()) }) as Connection
  connection.on("reconnecting", () => {
    // ioredis would go back to the database that it was in before.
    Object.assign(connection, { prevCondition: null })
    Object.assign(connection.options, optionsOf(place()))
  })
  return connection
}

/** What ioredis does not say itself: it goes on in database 0 where it could not choose the one that it was told to. */
const wrongDatabase = (error: Error): Unsuitable | undefined => {
  const { command } = error as Error & { readonly command?: { readonly name?: string; readonly args?: unknown } }
  return command?.name === "select"
    ? new Unsuitable(
        `it refuses database ${command.args}, which REDIS_URL names (${error.message}); no votes are taken`
      )
    : undefined
}

/** What the system says where the other side has closed a connection. */
const closings = ["EPIPE", "ECONNRESET"]

/** Says what went wrong with a connection. Redis says by itself that it has no place for one, but closes it before that is read. */
const wordsOf = (error: Error, { status }: Connection): string => {
  const words = error.message || error.name
  const closedAtOnce = status === "connect" && "code" in error && closings.includes(String(error.code))
  return closedAtOnce ? `${words}: it was closed at once, as where maxclients are reached, or TLS is expected` : words
}

/**
 * Makes a function that looks after a connection: it is given up where it can't do its work, one line is logged when it is lost
 * and one when it is back, and reconnects are counted. `reads` says whether it is for reads that block, `replicas` whether a replica will do.
 */
export const makeWatch = Effect.fnUntraced(function* (options: { readonly replicas: boolean }) {
  const pulse = makePulse(options)
  const untilAnswered = Effect.flatMap(untilBeat(beat), (ms) => Effect.timeoutOption(Effect.promise(pulse.look), ms))
  const looking = Effect.flatMap(untilAnswered, (answered) =>
    Option.isNone(answered) ? Effect.void : Effect.flatMap(untilBeat(quietBeat), Effect.sleep)
  )
  yield* Effect.forkScoped(Effect.forever(looking))
  const meter = yield* makeMeter
  const reconnected = meter.counter("tallykeep_reconnects_total", "Times that the server answered again", {
    server: "redis"
  })
  const runFork = Effect.runForkWith(yield* Effect.context<never>())
  /** Why the server can't be used, as said last. */
  let told: string | undefined
  return (label: string, connection: Connection, reads = false): Connection => {
    pulse.watch(connection, reads)
    let reachable: boolean | undefined
    const unusable = (error: Unsuitable): void => {
      connection.unsuitable = error
      // All connections meet the same.
      if (told !== error.message) runFork(Effect.logError(`Redis can't be used: ${error.message}`))
      told = error.message
      reachable = false
    }
    connection.on("error", (error: Error) => {
      if (error instanceof Unsuitable) return unusable(error)
      const wrong = wrongDatabase(error)
      if (wrong !== undefined) return void connection.stream.destroy(wrong)
      if ("syscall" in error) connection.unsuitable = undefined
      if (reachable !== false) runFork(Effect.logWarning(`Redis (${label}): ${wordsOf(error, connection)}`))
      reachable = false
    })
    connection.on("ready", () => {
      connection.unsuitable = undefined
      told = undefined
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
