import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { NotFound } from "../../domain/Problems.ts"
import { Api } from "../Api.ts"
import { HttpSettings } from "../HttpSettings.ts"
import { problemResponse } from "../Problem.ts"
import { Probes } from "./Probes.ts"

const elsewhere = new NotFound({ detail: "This is served at the management port" })

/** What operators ask for, unless it is kept off the public port. */
export const layerOperationsRoutes = HttpApiBuilder.group(
  Api,
  "operations",
  Effect.fnUntraced(function* (handlers) {
    const { managementPort } = yield* HttpSettings
    const probes = yield* Probes
    const answer = (name: "health" | "ready" | "metrics") => {
      const here = probes[name]
      return ({ request }: { readonly request: { readonly url: string } }) =>
        managementPort === undefined ? here : Effect.succeed(problemResponse(elsewhere, request.url))
    }
    return handlers
      .handleRaw("health", answer("health"))
      .handleRaw("ready", answer("ready"))
      .handleRaw("metrics", answer("metrics"))
  })
)
