import { Deferred, Effect, Fiber, Layer, Schedule, Semaphore } from "effect"
import { Ledger } from "../ledger/Ledger.ts"
import { Announcements } from "../stream/Announcements.ts"
import { Liveness } from "../stream/Liveness.ts"
import { makeOutageLog } from "../stream/Outage.ts"
import type { Connection } from "../stream/Redis.ts"
import { command, Redis } from "../stream/Redis.ts"
import { makeFence } from "../stream/ReplicatedWrites.ts"
import { type Shard, Shards } from "../stream/Shards.ts"
import { StreamSettings } from "../stream/StreamSettings.ts"
import { makePlainReadLog } from "./bytes/FastRead.ts"
import { type ConsumerParts, runConsumer } from "./Consumer.ts"
import { ConsumerSettings } from "./ConsumerSettings.ts"
import { makeCountMetrics } from "./CountMetrics.ts"
import { makePace } from "./Pace.ts"

/** How often a stopping pool wakes its blocked reads: one that is just being sent can't be woken yet. */
const wakeInterval = "50 millis"

/**
 * Returns how many consumers read each shard. One shard alone has a consumer for each batch that may be counted at once. Of
 * several, each has at least two, one to read while the other counts; no more, since each consumer takes a connection.
 */
const readersPerShard = (fibers: number, shards: number): number =>
  Math.max(Math.ceil(fibers / shards), Math.min(fibers, 2))

/**
 * How many large batches of a shard are counted at once. While one inserts its votes, another one changes the tallies of the same
 * poll, which is locked then, and commits; a third would wait for it, and take from Redis what it needs to hand out the next.
 */
const largeAtOnce = 2

/** How long to wait before a consumer starts anew that has failed for an unexpected reason. */
const restartPause = "1 second"

/**
 * Runs the pool: fibers that read, count and ack. Each is a named consumer of one shard and has a connection of its own, so
 * that it can wait in Redis without holding up other shards. When the scope closes, blocked reads are woken and the batches
 * in hand are finished.
 */
export const layerPool: Layer.Layer<
  never,
  never,
  Redis | StreamSettings | ConsumerSettings | Ledger | Announcements | Liveness
> = Layer.effectDiscard(
  Effect.gen(function* () {
    const redis = yield* Redis
    const metrics = yield* makeCountMetrics
    const ledger = metrics.measured(yield* Ledger)
    const liveness = yield* Liveness
    const announcements = yield* Announcements
    const { appendReplicas, group, tracing } = yield* StreamSettings
    const settings = yield* ConsumerSettings
    const { current: shards } = yield* Shards
    const stop = yield* Deferred.make<void>()
    const permits = Semaphore.makeUnsafe(settings.fibers)
    const plainRead = makePlainReadLog(metrics.plainRead)
    const fence = makeFence(appendReplicas)
    const common = {
      group,
      fence,
      tracing,
      settings,
      ledger,
      announcements,
      liveness,
      metrics,
      plainRead,
      permits,
      stop
    }

    /** The consumers' connections, with the shard whose Redis wakes each and its id there. */
    const blocked = new Map<Connection, { readonly shard: Shard; readonly id: string }>()

    const consume = Effect.fnUntraced(function* (name: string, parts: ConsumerParts) {
      const { shard } = parts
      const connection = yield* redis.dedicated(name, shard.stream)
      connection.on("ready", () => {
        // A connection that is lost before it answers gets a new id with the next "ready".
        connection.client("ID").then(
          (id) => blocked.set(connection, { shard, id: String(id) }),
          () => blocked.delete(connection)
        )
      })
      yield* runConsumer(name, connection, parts)
    }, Effect.scoped)

    const consumers = shards.flatMap((shard) => {
      const of = shards.length === 1 ? "" : ` ${shard.stream}`
      const parts = {
        ...common,
        shard,
        pace: makePace(settings),
        turns: Semaphore.makeUnsafe(largeAtOnce),
        reading: makeOutageLog("Reading", of),
        counting: makeOutageLog("Counting", of)
      }
      return Array.from({ length: readersPerShard(settings.fibers, shards.length) }, () => parts)
    })
    const fibers = yield* Effect.forEach(consumers, (parts, index) => {
      const name = `${settings.consumer}-${index + 1}`
      return consume(name, parts).pipe(
        Effect.catchCause((cause) =>
          Effect.andThen(Effect.logError(`${name} has failed and starts anew`, cause), Effect.sleep(restartPause))
        ),
        Effect.repeat({ until: () => Deferred.isDone(stop) }),
        Effect.forkDetach
      )
    })

    // With ERROR: while clients are paused, as for a failover, Redis 7 dies of waking a read as its time-out would.
    const wake = Effect.suspend(() =>
      Effect.forEach(
        blocked.values(),
        ({ id, shard }) => Effect.ignore(command(() => shard.client.client("UNBLOCK", id, "ERROR"))),
        { discard: true, concurrency: "unbounded" }
      )
    ).pipe(Effect.repeat(Schedule.spaced(wakeInterval)))

    yield* Effect.addFinalizer(() =>
      Deferred.succeed(stop, undefined).pipe(
        Effect.andThen(Effect.raceFirst(Fiber.awaitAll(fibers), wake)),
        Effect.andThen(Effect.logInfo("The consumer pool has finished the batches in hand"))
      )
    )
  })
).pipe(Layer.provide(Shards.layer))
