import { Deferred, Effect, Fiber, Layer, Schedule } from "effect"
import { Ledger } from "../ledger/Ledger.ts"
import { Announcements } from "./Announcements.ts"
import { runConsumer } from "./Consumer.ts"
import { makeCountMetrics } from "./CountMetrics.ts"
import { Liveness } from "./Liveness.ts"
import { makeOutageLog } from "./Outage.ts"
import type { Connection } from "./Redis.ts"
import { command, Redis } from "./Redis.ts"
import { StreamSettings } from "./StreamSettings.ts"

/** How often a stopping pool wakes its reads: one that was just being sent is not yet there to be woken. */
const wakeInterval = "50 millis"

/** Before a consumer that has failed for a reason nobody thought of starts anew. */
const restartPause = "1 second"

/**
 * The pool: fibers that read, count and ack, each a named consumer with a connection of its own. When the scope closes,
 * blocked reads are woken and the batches in hand are finished.
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
      const stop = yield* Deferred.make<void>()
      const parts = {
        redis,
        ledger,
        announcements,
        settings,
        liveness,
        metrics,
        stop,
        reading: makeOutageLog("Reading"),
        counting: makeOutageLog("Counting")
      }

      /** The blocked connections' ids at Redis, by which they are woken. */
      const ids = new Map<Connection, string>()

      const consume = Effect.fnUntraced(function* (name: string) {
        const connection = yield* redis.dedicated(name)
        connection.on("ready", () => {
          // A connection that is lost before it answers gets a new id with the next "ready".
          connection.client("ID").then(
            (id) => ids.set(connection, String(id)),
            () => ids.delete(connection)
          )
        })
        yield* runConsumer(name, connection, parts)
      }, Effect.scoped)

      const fibers = yield* Effect.forEach(Array.from({ length: settings.fibers }), (_, index) => {
        const name = `${settings.consumer}-${index + 1}`
        return consume(name).pipe(
          Effect.catchCause((cause) =>
            Effect.andThen(Effect.logError(`${name} has failed and starts anew`, cause), Effect.sleep(restartPause))
          ),
          Effect.repeat({ until: () => Deferred.isDone(stop) }),
          Effect.forkDetach
        )
      })

      const wake = Effect.suspend(() =>
        Effect.forEach(ids.values(), (id) => Effect.ignore(command(() => redis.client.client("UNBLOCK", id))), {
          discard: true,
          concurrency: "unbounded"
        })
      ).pipe(Effect.repeat(Schedule.spaced(wakeInterval)))

      yield* Effect.addFinalizer(() =>
        Deferred.succeed(stop, undefined).pipe(
          Effect.andThen(Effect.raceFirst(Fiber.awaitAll(fibers), wake)),
          Effect.andThen(Effect.logInfo("The consumer pool has finished the batches in hand"))
        )
      )
    })
  )
