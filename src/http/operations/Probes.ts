import { Context, Effect, Layer, Schedule } from "effect"
import { reasonOf } from "../../domain/ReasonOf.ts"
import { cachedFor } from "../../Elapsed.ts"
import { Ledger } from "../../ledger/Ledger.ts"
import { Liveness } from "../../stream/Liveness.ts"
import type { Work } from "../../stream/Nodes.ts"
import { isRefusal } from "../../stream/Redis.ts"
import { VoteStream } from "../../stream/VoteStream.ts"
import { Lifecycle } from "../Lifecycle.ts"
import { makeMetricsText } from "./MetricsText.ts"
import type { Health, NotReady, Ready, Stuck } from "./OperationsApi.ts"

/** Probes may ask as often as they like: Redis and PostgreSQL are asked at most this often, in ms. */
const checkInterval = 500

/** Redis's configuration changes rarely: it is asked for at most this often, in ms. */
const keepingInterval = 10_000

/** How long Redis or PostgreSQL may take to answer. */
const checkTimeout = "1 second"

/** Answers what operators and their machines ask of a process. */
export class Probes extends Context.Service<
  Probes,
  {
    /** Whether the process lives: whatever it is connected to, its loops get on. */
    readonly health: Effect.Effect<typeof Health.Type | typeof Stuck.Type>
    /** Whether it can do its work, and what is missing where it can't. */
    readonly ready: Effect.Effect<typeof Ready.Type | typeof NotReady.Type>
    /** Returns its metrics, in Prometheus's text format. */
    readonly metrics: () => Uint8Array
  }
>()("tallykeep/http/operations/Probes") {
  /** Answers for an API, which also where it counts has to take votes above all. */
  static readonly layer = Layer.effect(
    Probes,
    Effect.suspend(() => make("append"))
  )

  /** Answers for a consumer alone. */
  static readonly layerOfConsumer = Layer.effect(
    Probes,
    Effect.suspend(() => make("count"))
  )
}

const make = Effect.fnUntraced(function* (work: Work) {
  const stream = yield* VoteStream
  const ledger = yield* Ledger
  const lifecycle = yield* Lifecycle
  const liveness = yield* Liveness

  const redis = stream.check(work).pipe(
    Effect.timeout(checkTimeout),
    Effect.match({
      onSuccess: (refusals) => ({ redis: refusals.length === 0 ? ("connected" as const) : ("degraded" as const) }),
      onFailure: (error) =>
        error._tag === "OutOfService" && isRefusal(error)
          ? { redis: "refusing" as const, reason: reasonOf(error.cause) }
          : { redis: "disconnected" as const }
    })
  )
  const database = ledger.ping.pipe(
    Effect.timeout(checkTimeout),
    Effect.match({ onSuccess: () => "connected" as const, onFailure: () => "unavailable" as const })
  )
  const metrics = yield* makeMetricsText
  const durability = yield* stream.keeping.pipe(
    Effect.map(({ durability }) => ({ durability })),
    Effect.orElseSucceed(() => ({})),
    cachedFor(keepingInterval)
  )
  let wasUp = false
  const look = Effect.all({ redis, database }, { concurrency: "unbounded" }).pipe(
    Effect.flatMap(({ database, redis }) => {
      const parts = { ...redis, database }
      const works = redis.redis === "connected" || redis.redis === "degraded"
      if (works && database === "connected") wasUp = true
      return works ? Effect.map(durability, (kept) => ({ ...parts, ...kept })) : Effect.succeed(parts)
    })
  )
  const check = yield* cachedFor(checkInterval)(look)
  // Whether or not anyone asks.
  yield* Effect.forkScoped(
    Effect.repeat(look, { schedule: Schedule.spaced(checkInterval), until: () => Effect.sync(() => wasUp) })
  )

  return Probes.of({
    health: Effect.sync(() => {
      const loops = liveness.stuck()
      return loops.length === 0 ? { status: "healthy" } : { status: "stuck", loops }
    }),
    ready: Effect.map(check, (parts) => {
      if (lifecycle.phase === "stopping") return { status: "shutting down", ...parts }
      // With one node of a cluster away most votes are taken: no reason to take every API out of the load balancer.
      const works = parts.redis === "connected" || parts.redis === "degraded"
      if (!works || lifecycle.phase !== "running") return { status: "not ready", ...parts }
      if (parts.database === "connected") return { status: "ready", ...parts }
      // Votes are taken without the database; a first start needs it, and so does counting.
      return { status: work === "append" && wasUp ? "degraded" : "not ready", ...parts }
    }),
    metrics
  })
})
