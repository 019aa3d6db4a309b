import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Ledger } from "../ledger/Ledger.ts"
import { VoteStream } from "../stream/VoteStream.ts"
import { Api } from "./Api.ts"
import { Lifecycle } from "./Lifecycle.ts"

/** Asked by probes, however many; the parts are asked at most this often. */
const checkInterval = "500 millis"

/** Redis's configuration changes rarely. */
const keepingInterval = "10 seconds"

const noStore = { "cache-control": "no-store" }

/** How long a part may take to answer. */
const checkTimeout = "1 second"

export const layerOperations = HttpApiBuilder.group(
  Api,
  "operations",
  Effect.fnUntraced(function* (handlers) {
    const stream = yield* VoteStream
    const ledger = yield* Ledger
    const lifecycle = yield* Lifecycle

    const answers = <E>(ping: Effect.Effect<void, E>) =>
      ping.pipe(
        Effect.timeout(checkTimeout),
        Effect.match({ onSuccess: () => "connected" as const, onFailure: () => "disconnected" as const })
      )
    const durability = yield* stream.keeping.pipe(
      Effect.map(({ durability }) => ({ durability })),
      Effect.orElseSucceed(() => ({})),
      Effect.cachedWithTTL(keepingInterval)
    )
    const check = yield* Effect.all(
      { redis: answers(stream.ping), database: answers(ledger.ping) },
      { concurrency: "unbounded" }
    ).pipe(
      Effect.flatMap((parts) =>
        parts.redis === "connected" ? Effect.map(durability, (kept) => ({ ...parts, ...kept })) : Effect.succeed(parts)
      ),
      Effect.cachedWithTTL(checkInterval)
    )

    return handlers
      .handleRaw("health", () => Effect.succeed(healthy))
      .handleRaw("ready", () =>
        Effect.map(check, (parts) => {
          const up = parts.redis === "connected" && parts.database === "connected"
          const status = lifecycle.stopping ? "shutting down" : up ? "ready" : "not ready"
          return HttpServerResponse.jsonUnsafe(
            { status, ...parts },
            {
              status: status === "ready" ? 200 : 503,
              headers: status === "ready" ? noStore : { ...noStore, "retry-after": "1" }
            }
          )
        })
      )
  })
)

const healthy = HttpServerResponse.text('{"status":"healthy"}', { contentType: "application/json", headers: noStore })
