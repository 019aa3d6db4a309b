import { Deferred, Effect, Fiber, Layer, Schedule, Semaphore } from "effect"
import { Ledger } from "../ledger/Ledger.ts"
import { Announcements } from "../stream/Announcements.ts"
import { Liveness } from "../stream/Liveness.ts"
import { makeOutageLog } from "../stream/Outage.ts"
import type { Connection } from "../stream/Redis.ts"
import { command, Redis } from "../stream/Redis.ts"
import { type Shard, Shards } from "../stream/Shards.ts"
import { StreamSettings } from "../stream/StreamSettings.ts"
import { type ConsumerParts, runConsumer } from "./Consumer.ts"
import { makeCountMetrics } from "./CountMetrics.ts"

/** How often a stopping pool wakes its reads: one that was just being sent is not yet there to be woken. */
const wakeInterval = "50 millis"

/**
 * How many consumers read each shard: as many as batches are counted at once, so that one shard alone can have them all;
 * of several shards two each, one to read while the other counts, since each has a connection of its own.
 */
const readersPerShard = (fibers: number, shards: number): number =>
  Math.max(Math.ceil(fibers / shards), Math.min(fibers, 2))

/** Before a consumer that has failed for a reason nobody thought of starts anew. */
const restartPause = "1 second"

/**
 * The pool: fibers that read, count and ack, each a named consumer of one shard with a connection of its own, which waits
 * in Redis and holds up no other shard. When the scope closes, blocked reads are woken and the batches in hand are
 * finished.
 */
export const layerPool: Layer.Layer<never, never, Redis | StreamSettings | Ledger | Announcements | Liveness> =
  Layer.effectDiscard(
    Effect.gen(function* () {
      const redis = yield* Redis
      const metrics = yield* makeCountMetrics
      const ledger = metrics.measured(yield* Ledger)
      const liveness = yield* Liveness
      const announcements = yield* Announcements
      const settings = yield* StreamSettings
      const { current: shards } = yield* Shards
      const stop = yield* Deferred.make<void>()
      const permits = Semaphore.makeUnsafe(settings.fibers)
      const common = { ledger, announcements, settings, liveness, metrics, permits, stop }

      /** Where blocked connections are woken, and their ids there. */
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
          turn: Semaphore.makeUnsafe(1),
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

      const wake = Effect.suspend(() =>
        Effect.forEach(
          blocked.values(),
          ({ id, shard }) => Effect.ignore(command(() => shard.client.client("UNBLOCK", id))),
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
