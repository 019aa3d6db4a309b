import { NodeHttpServerRequest } from "@effect/platform-node"
import { Effect } from "effect"
import { HttpServerRequest } from "effect/http"
import { Malformed } from "../../domain/Problems.ts"
import { problemResponse } from "../Problem.ts"
import type { Middleware } from "./Middleware.ts"

/**
 * Refuses a request without a Host header. HTTP/1.1 wants one (RFC 9112); HTTP/1.0, which some probes speak, does not. Node
 * would refuse it too, but without our headers.
 */
export const withHost: Middleware = (app) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    request.headers.host === undefined && NodeHttpServerRequest.toIncomingMessage(request).httpVersion !== "1.0"
      ? Effect.succeed(problemResponse(new Malformed({ detail: "The request has no Host header" }), request.url))
      : app
  )
