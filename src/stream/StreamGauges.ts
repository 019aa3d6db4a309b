import { Clock, Effect, Layer, Schedule, Scope } from "effect"
import { clockSkew, clockSkewGauge, onBeat } from "../Elapsed.ts"
import { makeMeter } from "../Meter.ts"
import { type DiskWrite, type Durability, diskWrites, durabilities, type Keeping } from "./Durability.ts"
import type { Work } from "./Nodes.ts"
import { StreamSettings } from "./StreamSettings.ts"
import { nextEntryMs, type StreamState } from "./StreamState.ts"
import { VoteStream } from "./VoteStream.ts"

/** How often Redis is asked for the state of the streams, and how it keeps them, in ms. */
const stateInterval = 2_000
const keepingInterval = 10_000

/** Measures the streams, as all processes see them, and whether Redis does what this process does its work with. */
export const layerStreamGauges = (work: Work): Layer.Layer<never, never, VoteStream | StreamSettings> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { check, keeping, states } = yield* VoteStream
      const { maxBacklog } = yield* StreamSettings
      const meter = yield* makeMeter
      const scope = yield* Effect.scope
      let works = false
      let kept: Keeping | undefined
      const clock = yield* Clock.Clock
      const skews = { redis: Number.NaN, stream: Number.NaN }
      const measured = new Map<string, { latest: StreamState }>()

      /** Makes the gauges of a stream that appears for the first time. */
      const measure = Effect.fnUntraced(function* (stream: string, state: { latest: StreamState }) {
        const gauge = (name: string, about: string, read: (state: StreamState) => number) =>
          meter.gauge(`tallykeep_stream_${name}`, about, () => read(state.latest), { stream })
        yield* gauge("length", "Entries that the stream holds", ({ length }) => length)
        yield* gauge("lag", "Votes that no consumer was given yet", ({ lag }) => lag)
        yield* gauge("pending", "Votes given to a consumer and not counted yet", ({ pending }) => pending)
        yield* gauge(
          "oldest_pending_seconds",
          "How long the oldest vote that is not counted has waited",
          ({ oldestMs }) => oldestMs / 1000
        )
        yield* gauge("consumers", "Consumers that were heard of lately", ({ consumers }) => consumers)
      })

      yield* meter.gauge("tallykeep_backlog_limit", "Votes that may wait before no more are accepted", () => maxBacklog)
      yield* meter.gauge("tallykeep_server_up", "Whether the server does what it is asked to", () => Number(works), {
        server: "redis"
      })
      const durability = (value: Durability) =>
        meter.gauge(
          "tallykeep_redis_durability",
          "What a vote survives that Redis has taken: 1 for what holds",
          () => Number(kept?.durability === value),
          { durability: value }
        )
      yield* Effect.forEach(durabilities, durability, { discard: true })
      yield* meter.gauge(...clockSkewGauge, () => skews.redis / 1000, { server: "redis" })
      // Where its last id is ahead of Redis's clock, ids stand still until the clock has caught up.
      yield* meter.gauge(...clockSkewGauge, () => skews.stream / 1000, { server: "stream" })
      yield* meter.gauge("tallykeep_redis_eviction", "Whether Redis may evict votes", () =>
        Number(kept?.evicts === true)
      )
      yield* meter.gauge(
        "tallykeep_redis_memory_ratio",
        "Which part of maxmemory Redis uses, of several nodes the fullest; 0 without one",
        () => kept?.memoryRatio ?? 0
      )
      const written = (write: DiskWrite) =>
        meter.gauge(
          "tallykeep_redis_disk_ok",
          "Whether Redis could write to disk the last time",
          () => Number(kept?.unwritten.includes(write) !== true),
          { write }
        )
      yield* Effect.forEach(diskWrites, written, { discard: true })

      /** Returns how far a time that a state has is ahead, in ms; of several states, the one that is furthest off. */
      const skewOf = (all: ReadonlyArray<StreamState>, read: (state: StreamState) => number) =>
        all
          .map((state) => clockSkew(clock, read(state), state.askedAt, state.answeredAt))
          .reduce((furthest, skew) => (Math.abs(skew) > Math.abs(furthest) ? skew : furthest), 0)

      const sample = Effect.gen(function* () {
        const all = yield* Effect.tapError(states, () =>
          Effect.sync(() => {
            skews.redis = skews.stream = Number.NaN
          })
        )
        skews.redis = skewOf(all, ({ timeMs }) => timeMs)
        skews.stream = skewOf(all, (state) => nextEntryMs([state]))
        for (const latest of all) {
          const known = measured.get(latest.stream)
          if (known !== undefined) known.latest = latest
          else {
            const made = { latest }
            measured.set(latest.stream, made)
            yield* Effect.provideService(measure(latest.stream, made), Scope.Scope, scope)
          }
        }
      })
      const ask = Effect.match(check(work), {
        onFailure: () => {
          works = false
        },
        // Where it does not for a part of a Redis Cluster, the server counts as down.
        onSuccess: (refusals) => {
          works = refusals.length === 0
        }
      })
      yield* Effect.forkScoped(Effect.repeat(Effect.ignore(sample), onBeat(stateInterval)))
      yield* Effect.forkScoped(Effect.repeat(ask, onBeat(stateInterval)))
      yield* keeping.pipe(
        Effect.retry(Schedule.spaced("1 second")),
        Effect.tap((now) =>
          Effect.sync(() => {
            kept = now
          })
        ),
        Effect.repeat(onBeat(keepingInterval)),
        Effect.forkScoped
      )
    })
  )
