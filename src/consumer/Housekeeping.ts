import { Effect, Layer, Schedule } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { onBeat, onBeatWhileBusy } from "../Elapsed.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { Announcements } from "../stream/Announcements.ts"
import { command, isGroupGone, type Redis } from "../stream/Redis.ts"
import { makeFence } from "../stream/ReplicatedWrites.ts"
import { type Shard, Shards } from "../stream/Shards.ts"
import { StreamSettings } from "../stream/StreamSettings.ts"
import { takingOver } from "../stream/StreamState.ts"
import { takeTurns } from "../stream/Turns.ts"
import { ConsumerSettings } from "./ConsumerSettings.ts"
import { makeCountMetrics } from "./CountMetrics.ts"
import { giveBack, leave } from "./GiveBack.ts"
import { showConsumer } from "./Reader.ts"
import { drain, type TakeOverOptions, takeOver } from "./TakeOver.ts"

/**
 * How often acked entries are removed from the stream, whatever the number of consumers, in ms; less often, while there are none to
 * remove. Redis's own account of the lag is looked at then too, and streams that are no longer appended to are searched for votes.
 */
const beat = 1_000
/** How often silent consumers are looked for. */
const sweepInterval = "30 seconds"
/** A consumer that holds nothing is deleted once it has been silent for this many times CLAIM_IDLE_MS. */
const silentClaims = 10

/**
 * Does what a consumer process has to do besides its own reading: takes over entries that others left, trims the streams,
 * keeps Redis's account of their lag right, deletes silent consumers, and counts votes that were appended before the number of shards was changed.
 */
export const layerHousekeeping: Layer.Layer<
  never,
  never,
  Redis | StreamSettings | ConsumerSettings | Ledger | Announcements
> = Layer.effectDiscard(
  Effect.gen(function* () {
    const shards = yield* Shards
    const announcements = yield* Announcements
    const metrics = yield* makeCountMetrics
    const ledger = metrics.measured(yield* Ledger)
    const { appendReplicas, group } = yield* StreamSettings
    const { batchSize, claimIdleMs, consumer, maxRetries, streamRetention } = yield* ConsumerSettings
    const fence = makeFence(appendReplicas)
    const kept = Math.ceil(streamRetention.entries / shards.current.length)
    const optionsFor = (shard: Shard): TakeOverOptions => ({
      stream: shard.stream,
      group,
      consumer: consumer + takingOver,
      batchSize,
      maxRetries,
      claimIdleMs,
      fence: Effect.suspend(() => fence(shard, shard.writer))
    })

    /** Runs a task for each shard, and returns whether there was anything to do. After a failure the next turn tries again; the pool logs outages. */
    const turn = <A>(
      shards: Effect.Effect<ReadonlyArray<Shard>, OutOfService>,
      task: (shard: Shard) => Effect.Effect<A, OutOfService>
    ): Effect.Effect<boolean> => {
      const careful = (shard: Shard) =>
        task(shard).pipe(
          Effect.catch((error) => (isGroupGone(error) ? Effect.void : Effect.logDebug(error.message))),
          Effect.catchCause((cause) => Effect.logError("A housekeeping task failed", cause))
        )
      return shards.pipe(
        Effect.flatMap((all) => Effect.forEach(all, careful, { concurrency: "unbounded" })),
        Effect.map((done) => done.some((entries) => entries !== 0)),
        Effect.catch((error) => Effect.as(Effect.logDebug(error.message), true))
      )
    }
    /** Does so again and again, at an interval that takes notice of whether there was anything to do. */
    const loop = <A>(
      shards: Effect.Effect<ReadonlyArray<Shard>, OutOfService>,
      task: (shard: Shard) => Effect.Effect<A, OutOfService>,
      interval: Schedule.Schedule<unknown, boolean>
    ) => Effect.forkScoped(Effect.repeat(turn(shards, task), interval))

    // After the tasks have ended, which may hold something.
    yield* Effect.addFinalizer(() => turn(shards.all, (shard) => leave(shard, optionsFor(shard), announcements)))
    const takingOverAll = turn(shards.all, (shard) =>
      Effect.andThen(ledger.migrated, () => {
        const options = optionsFor(shard)
        const shown = showConsumer(shard.client, shard.stream, group, options.consumer)
        const taken = takeOver(ledger, shard.client, options, metrics)
        return Effect.andThen(
          shown,
          Effect.tapError(taken, () => giveBack(shard, options))
        )
      })
    )
    // Often enough that no entry waits for much longer than the idle time.
    yield* Effect.forkScoped(
      takeTurns(takingOverAll, { topics: ["left"], soonest: 0, latest: Math.min(claimIdleMs / 2, 10_000) })
    )
    yield* loop(
      shards.former,
      (shard) => Effect.andThen(ledger.migrated, drain(ledger, shard.client, optionsFor(shard))),
      onBeat(beat)
    )
    yield* loop(
      shards.all,
      ({ client, keyPrefix, stream }) =>
        command(() => client.trimAcked(stream, `${keyPrefix}:trimmed`, beat, streamRetention.ms, kept)),
      onBeatWhileBusy(beat)
    )
    yield* loop(
      shards.all,
      ({ client, keyPrefix, stream }) => command(() => client.keepLag(stream, `${keyPrefix}:read:${group}`, group)),
      onBeatWhileBusy(beat)
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
