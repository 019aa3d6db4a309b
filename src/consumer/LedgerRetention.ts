import { Clock, Effect, Layer, Schedule } from "effect"
import { reasonOf } from "../domain/ReasonOf.ts"
import { within } from "../ledger/Bounded.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { type Dropped, Partitions, partitionWidth } from "../ledger/Partitions.ts"
import { VoteStream } from "../stream/VoteStream.ts"

/** How often the partitions are looked after, and how soon again after a failure. */
const interval = "10 minutes"
const retryInterval = "10 seconds"

/** How long looking after them may take: a partition is read before it is dropped. A shutdown does not wait for it. */
const timeout = "1 hour"

/** How far the clocks that vote ids are made by may be from Redis's, in ms. */
const clockSkew = 86_400_000

/**
 * Looks after the ledger's partitions once: adds those for the time to come and, with a `retention` in ms, drops those whose
 * votes are all older; returns the dropped ones. The time is that of the slowest of three clocks, so that one that is ahead
 * drops nothing early. A vote that still waits in the stream keeps the partition that it belongs to.
 */
export const keepPartitions = Effect.fn("keepPartitions")(function* (retention: number | undefined) {
  const partitions = yield* Partitions
  const stream = yield* VoteStream
  const states = yield* stream.states
  const redis = states.map(({ timeMs }) => timeMs)
  const now = Math.min(yield* Clock.currentTimeMillis, ...redis, yield* partitions.now)
  yield* partitions.extend(now, partitionWidth(retention))
  if (retention === undefined) return []
  const waiting = Math.max(0, ...states.map(({ oldestMs }) => oldestMs))
  return yield* partitions.drop(now - Math.max(retention, waiting + clockSkew))
})

const logDropped = (dropped: ReadonlyArray<Dropped>) =>
  Effect.forEach(
    dropped,
    ({ name, rows }) => Effect.logInfo(`Dropped ${name} with ${rows} votes older than LEDGER_RETENTION; tallies stay`),
    { discard: true }
  )

/** Looks after the partitions again and again; a failure is logged once, and tried again soon. */
export const layerLedgerRetention = (
  retention: number | undefined
): Layer.Layer<never, never, VoteStream | Ledger | Partitions> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { migrated } = yield* Ledger
      const { check } = yield* VoteStream
      const parts = yield* Effect.context<Partitions | VoteStream>()
      let failing = false
      const failed = (error: unknown) => {
        const message = `The ledger's partitions have to wait: ${reasonOf(error)}`
        const known = failing
        failing = true
        return known ? Effect.logDebug(message) : Effect.logWarning(message)
      }
      const done = (dropped: ReadonlyArray<Dropped>) => {
        failing = false
        return logDropped(dropped)
      }
      const keep = keepPartitions(retention).pipe(
        Effect.provideContext(parts),
        within(timeout),
        Effect.tap(done),
        Effect.tapError(failed),
        Effect.retry(Schedule.spaced(retryInterval)),
        Effect.catchCause((cause) => Effect.logError("Looking after the ledger's partitions failed", cause))
      )
      yield* migrated.pipe(
        Effect.andThen(Effect.retry(check("count"), Schedule.spaced("100 millis"))),
        Effect.andThen(Effect.repeat(keep, Schedule.spaced(interval).pipe(Schedule.jittered))),
        Effect.forkScoped
      )
    })
  )
