import { Effect, Layer, Schedule } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { makeCountMetrics } from "./CountMetrics.ts"
import { reclaim } from "./Reclaim.ts"
import { command, isGroupGone, Redis } from "./Redis.ts"
import { StreamSettings } from "./StreamSettings.ts"

/** How often acked entries are removed from the stream, whatever the number of consumers, in ms. */
const trimInterval = 1_000
/** How often silent consumers are looked for. */
const sweepInterval = "30 seconds"
/** A consumer that holds nothing is deleted after it was silent for this many times CLAIM_IDLE_MS. */
const silentClaims = 10

/** What a consumer process does besides counting: takes over what others left, trims the stream, sweeps consumers. */
export const layerHousekeeping: Layer.Layer<never, never, Redis | StreamSettings | Ledger> = Layer.effectDiscard(
  Effect.gen(function* () {
    const { client } = yield* Redis
    const metrics = yield* makeCountMetrics
    const ledger = metrics.measured(yield* Ledger)
    const settings = yield* StreamSettings
    const { claimIdleMs, group, stream } = settings
    const consumer = `${settings.consumer}-reclaim`

    /** Does it again and again; what fails now is tried again the next time, and the pool tells of outages. */
    const loop = <A>(effect: Effect.Effect<A, OutOfService>, interval: Schedule.Schedule<unknown>) =>
      effect.pipe(
        Effect.catch((error) => (isGroupGone(error) ? Effect.void : Effect.logDebug(error.message))),
        Effect.catchCause((cause) => Effect.logError("A housekeeping task failed", cause)),
        Effect.repeat(interval),
        Effect.forkScoped
      )

    yield* Effect.andThen(ledger.migrated, reclaim(ledger, client, { ...settings, consumer }, metrics)).pipe((task) =>
      // Often enough that nothing waits for much longer than the idle time, not all processes at once.
      loop(task, Schedule.spaced(Math.min(claimIdleMs / 2, 10_000)).pipe(Schedule.jittered))
    )
    yield* loop(
      command(() => client.trimAcked(stream, `${stream}:trimmed`, trimInterval)),
      Schedule.spaced(trimInterval)
    )
    yield* loop(
      Effect.tap(
        command(() => client.sweepConsumers(stream, group, claimIdleMs * silentClaims)),
        (names) => (names.length === 0 ? Effect.void : Effect.logInfo(`Deleted silent consumers: ${names.join(", ")}`))
      ),
      Schedule.spaced(sweepInterval)
    )
  })
)
