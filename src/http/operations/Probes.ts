import { Context, Effect, Layer } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { cachedFor } from "../../Elapsed.ts"
import { Ledger } from "../../ledger/Ledger.ts"
import { Liveness } from "../../stream/Liveness.ts"
import { VoteStream } from "../../stream/VoteStream.ts"
import { Lifecycle } from "../Lifecycle.ts"
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
    /** Its metrics, in Prometheus's text format. */
    readonly metrics: Effect.Effect<string>
  }
>()("tallykeep/http/operations/Probes") {
  static readonly layer = Layer.effect(
    Probes,
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const ledger = yield* Ledger
      const lifecycle = yield* Lifecycle
      const liveness = yield* Liveness

      const answers = <A, E, const S extends string>(ping: Effect.Effect<A, E>, onSuccess: (answer: A) => S) =>
        ping.pipe(Effect.timeout(checkTimeout), Effect.match({ onSuccess, onFailure: () => "disconnected" as const }))
      const durability = yield* stream.keeping.pipe(
        Effect.map(({ durability }) => ({ durability })),
        Effect.orElseSucceed(() => ({})),
        cachedFor(keepingInterval)
      )
      const check = yield* Effect.all(
        {
          redis: answers(stream.ping, (away) => (away.length === 0 ? "connected" : "degraded")),
          database: answers(ledger.ping, () => "connected")
        },
        { concurrency: "unbounded" }
      ).pipe(
        Effect.flatMap((parts) =>
          parts.redis !== "disconnected"
            ? Effect.map(durability, (kept) => ({ ...parts, ...kept }))
            : Effect.succeed(parts)
        ),
        cachedFor(checkInterval)
      )

      return Probes.of({
        health: Effect.sync(() => {
          const loops = liveness.stuck()
          return loops.length === 0 ? { status: "healthy" } : { status: "stuck", loops }
        }),
        ready: Effect.map(check, (parts) => {
          if (lifecycle.phase === "stopping") return { status: "shutting down", ...parts }
          // With one node of a cluster away most votes are taken: no reason to take every API out of the load balancer.
          const up = parts.redis !== "disconnected" && parts.database === "connected" && lifecycle.phase === "running"
          return { status: up ? "ready" : "not ready", ...parts }
        }),
        metrics: PrometheusMetrics.format()
      })
    })
  )
}
