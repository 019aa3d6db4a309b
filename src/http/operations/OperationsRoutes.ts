import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { NotFound } from "../../domain/Problems.ts"
import { Api } from "../Api.ts"
import { HttpSettings } from "../HttpSettings.ts"
import { metricsResponse } from "./MetricsText.ts"
import { Probes } from "./Probes.ts"

const elsewhere = Effect.fail(new NotFound({ detail: "This is served at the management port" }))

/** Serves health and metrics, unless they have a port of their own. */
export const layerOperationsRoutes = HttpApiBuilder.group(
  Api,
  "operations",
  Effect.fnUntraced(function* (handlers) {
    const { managementPort } = yield* HttpSettings
    const { health, metrics, ready } = yield* Probes
    const here = managementPort === undefined
    return handlers
      .handle("health", () => (here ? health : elsewhere))
      .handle("ready", () => (here ? ready : elsewhere))
      .handleRaw("metrics", () => (here ? metricsResponse(metrics) : elsewhere))
  })
)
