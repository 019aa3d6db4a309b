import type { Effect, Scope } from "effect"
import type { HttpServerRequest, HttpServerResponse } from "effect/http"

/** Answers a request; the failures that are left in it are nobody's fault but ours. */
export type HttpApp = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  unknown,
  HttpServerRequest.HttpServerRequest | Scope.Scope
>

/** Puts a layer around an app. */
export type Middleware = (app: HttpApp) => HttpApp
