import { Effect, Layer, Schedule } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { command, isGroupGone, type Redis } from "../stream/Redis.ts"
import { type Shard, Shards } from "../stream/Shards.ts"
import { StreamSettings } from "../stream/StreamSettings.ts"
import { makeCountMetrics } from "./CountMetrics.ts"
import { drain, takeOver } from "./TakeOver.ts"

/** How often acked entries are removed from the stream, whatever the number of consumers, in ms. */
const trimInterval = 1_000
/** How often it is looked for votes in streams that are no longer appended to. */
const drainInterval = "1 second"
/** How often silent consumers are looked for. */
const sweepInterval = "30 seconds"
/** A consumer that holds nothing is deleted after it was silent for this many times CLAIM_IDLE_MS. */
const silentClaims = 10

/**
 * What a consumer process does besides counting: takes over what others left, trims the streams, sweeps consumers, and
 * counts what was appended before the number of shards was changed.
 */
export const layerHousekeeping: Layer.Layer<never, never, Redis | StreamSettings | Ledger> = Layer.effectDiscard(
  Effect.gen(function* () {
    const shards = yield* Shards
    const metrics = yield* makeCountMetrics
    const ledger = metrics.measured(yield* Ledger)
    const settings = yield* StreamSettings
    const { claimIdleMs, group } = settings
    const consumer = `${settings.consumer}-reclaim`
    const optionsFor = ({ stream }: Shard) => ({ ...settings, stream, consumer })

    /** Does it to each again and again; what fails now is tried again the next time, and the pool tells of outages. */
    const loop = <A>(
      which: Effect.Effect<ReadonlyArray<Shard>, OutOfService>,
      task: (shard: Shard) => Effect.Effect<A, OutOfService>,
      interval: Schedule.Schedule<unknown>
    ) => {
      const careful = (shard: Shard) =>
        task(shard).pipe(
          Effect.catch((error) => (isGroupGone(error) ? Effect.void : Effect.logDebug(error.message))),
          Effect.catchCause((cause) => Effect.logError("A housekeeping task failed", cause))
        )
      return which.pipe(
        Effect.flatMap((all) => Effect.forEach(all, careful, { concurrency: "unbounded", discard: true })),
        Effect.catch((error) => Effect.logDebug(error.message)),
        Effect.repeat(interval),
        Effect.forkScoped
      )
    }

    yield* loop(
      shards.all,
      (shard) => Effect.andThen(ledger.migrated, takeOver(ledger, shard.client, optionsFor(shard), metrics)),
      // Often enough that nothing waits for much longer than the idle time, not all processes at once.
      Schedule.spaced(Math.min(claimIdleMs / 2, 10_000)).pipe(Schedule.jittered)
    )
    yield* loop(
      shards.former,
      (shard) => Effect.andThen(ledger.migrated, drain(ledger, shard.client, optionsFor(shard))),
      Schedule.spaced(drainInterval)
    )
    yield* loop(
      shards.all,
      ({ client, keys, stream }) => command(() => client.trimAcked(stream, `${keys}:trimmed`, trimInterval)),
      Schedule.spaced(trimInterval)
    )
    yield* loop(
      shards.all,
      ({ client, stream }) =>
        Effect.tap(
          command(() => client.sweepConsumers(stream, group, claimIdleMs * silentClaims)),
          (names) =>
            names.length === 0 ? Effect.void : Effect.logInfo(`Deleted silent consumers: ${names.join(", ")}`)
        ),
      Schedule.spaced(sweepInterval)
    )
  })
).pipe(Layer.provide(Shards.layer))
