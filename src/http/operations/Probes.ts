import { Context, Effect, Layer } from "effect"
import { HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { Ledger } from "../../ledger/Ledger.ts"
import { Liveness } from "../../stream/Liveness.ts"
import { VoteStream } from "../../stream/VoteStream.ts"
import { Lifecycle } from "../Lifecycle.ts"

type Answer = Effect.Effect<HttpServerResponse.HttpServerResponse>

/** Asked by probes, however many; the parts are asked at most this often. */
const checkInterval = "500 millis"

/** Redis's configuration changes rarely. */
const keepingInterval = "10 seconds"

/** How long a part may take to answer. */
const checkTimeout = "1 second"

const noStore = { "cache-control": "no-store" }

/** What operators and their machines ask of a process. */
export class Probes extends Context.Service<
  Probes,
  {
    /** Whether the process lives: whatever it is connected to, its loops get on. */
    readonly health: Answer
    /** Whether it can do its work, and what is missing where it can't. */
    readonly ready: Answer
    /** Its metrics, in Prometheus's text format. */
    readonly metrics: Answer
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
        Effect.cachedWithTTL(keepingInterval)
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
        Effect.cachedWithTTL(checkInterval)
      )

      const health = Effect.sync(() => {
        const stuck = liveness.stuck()
        return stuck.length === 0
          ? healthy
          : HttpServerResponse.jsonUnsafe({ status: "stuck", loops: stuck }, { status: 503, headers: noStore })
      })

      const ready = Effect.map(check, (parts) => {
        // With one node of a cluster away most votes are taken: no reason to take every API out of the load balancer.
        const up = parts.redis !== "disconnected" && parts.database === "connected" && lifecycle.phase === "running"
        const status = lifecycle.phase === "stopping" ? "shutting down" : up ? "ready" : "not ready"
        return HttpServerResponse.jsonUnsafe(
          { status, ...parts },
          {
            status: status === "ready" ? 200 : 503,
            headers: status === "ready" ? noStore : { ...noStore, "retry-after": "1" }
          }
        )
      })

      const metrics = Effect.map(PrometheusMetrics.format(), (text) =>
        HttpServerResponse.text(text, { contentType: "text/plain; version=0.0.4; charset=utf-8", headers: noStore })
      )

      return Probes.of({ health, ready, metrics })
    })
  )
}

const healthy = HttpServerResponse.text('{"status":"healthy"}', { contentType: "application/json", headers: noStore })
