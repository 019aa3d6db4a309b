import { Deferred, Effect, Fiber, Layer, Schedule } from "effect"
import type { Redis as Connection } from "ioredis"
import type { OutOfService } from "../domain/Problems.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { recordBatch } from "./Batch.ts"
import { type Entry, ensureGroup, type Position, readEntries } from "./Reader.ts"
import { command, Redis } from "./Redis.ts"
import { StreamSettings } from "./StreamSettings.ts"

/** How often a stopping pool wakes its reads: one that was just being sent is not yet there to be woken. */
const wakeInterval = "50 millis"

/** Between tries while Redis or PostgreSQL is away. */
const backoff = Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("1 second")]).pipe(Schedule.jittered)

/**
 * The pool: fibers that read a batch, bring it into the ledger and ack it, each a named consumer with a connection of
 * its own. When the scope closes, blocked reads are woken and the batches in hand are finished.
 */
export const layerPool: Layer.Layer<never, never, Redis | StreamSettings | Ledger> = Layer.effectDiscard(
  Effect.gen(function* () {
    const redis = yield* Redis
    const ledger = yield* Ledger
    const settings = yield* StreamSettings
    const stop = yield* Deferred.make<void>()
    const connections = new Map<Connection, string>()

    const consume = Effect.fnUntraced(function* (name: string) {
      const connection = yield* redis.dedicated(name)
      connection.on("ready", () => {
        // Kept for CLIENT UNBLOCK; a connection that is lost before it answers gets a new id with the next "ready".
        connection.client("ID").then(
          (id) => connections.set(connection, String(id)),
          () => connections.delete(connection)
        )
      })
      const options = { ...settings, consumer: name }
      const stopped = Deferred.isDone(stop)

      /** Does it until it succeeds; gives undefined when the pool stops first. */
      const persist = <A>(doing: string, effect: Effect.Effect<A, OutOfService>) =>
        effect.pipe(
          Effect.tapError((error) => Effect.logWarning(`${name} can't ${doing} for now: ${error.message}`)),
          Effect.retry(backoff),
          Effect.map((value) => ({ value })),
          Effect.raceFirst(Effect.as(Deferred.await(stop), undefined))
        )

      const record = Effect.fnUntraced(function* (entries: ReadonlyArray<Entry>) {
        const outcome = yield* recordBatch(ledger, redis.client, options, entries)
        const ids = entries.map(({ id }) => id)
        yield* command(() => redis.client.xack(settings.stream, settings.group, ...ids))
        yield* Effect.logDebug(`Counted ${outcome.counted} votes, ${outcome.dead} dead`)
      })

      yield* Effect.raceFirst(ledger.migrated, Deferred.await(stop))
      yield* persist("make the group", ensureGroup(redis.client, settings.stream, settings.group))
      // What a former life of this consumer was given and did not ack comes first.
      let position: Position = { pendingAfter: "0" }
      while (!(yield* stopped)) {
        // Not interrupted by the stop: entries that Redis has just handed out must not get lost on the way.
        const entries: ReadonlyArray<Entry> | undefined = yield* readEntries(connection, options, position).pipe(
          Effect.catch((error) =>
            Effect.logWarning(`${name} can't read for now: ${error.message}`).pipe(
              Effect.andThen(Effect.raceFirst(Effect.sleep("200 millis"), Deferred.await(stop))),
              Effect.as(undefined)
            )
          )
        )
        if (entries === undefined) {
          // What was on its way when the connection broke is pending now.
          position = { pendingAfter: "0" }
          continue
        }
        const last = entries.at(-1)
        if (last === undefined) {
          position = "new"
          continue
        }
        yield* finish(entries)
        if (position !== "new") position = { pendingAfter: last.id }
      }

      /** Retries through an outage; once the pool stops, one more try has to do, and the rest stays pending. */
      function finish(entries: ReadonlyArray<Entry>) {
        return record(entries).pipe(
          Effect.tapError((error) => Effect.logWarning(`${name} can't count for now: ${error.message}`)),
          Effect.retry({ schedule: backoff, while: () => Effect.map(stopped, (done) => !done) }),
          Effect.catch(() => Effect.logWarning(`${name} leaves ${entries.length} votes to the next consumer`))
        )
      }
    })

    const fibers = yield* Effect.forEach(Array.from({ length: settings.fibers }), (_, index) =>
      Effect.forkDetach(Effect.scoped(consume(`${settings.consumer}-${index + 1}`)))
    )

    const wake = Effect.suspend(() =>
      Effect.forEach(connections.values(), (id) => Effect.ignore(command(() => redis.client.client("UNBLOCK", id))), {
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
