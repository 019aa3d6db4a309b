import { NodeHttpServerRequest } from "@effect/platform-node"
import { Effect } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { isLast } from "../LastAnswer.ts"
import type { Lifecycle } from "../Lifecycle.ts"
import type { Middleware } from "./Middleware.ts"

/** Makes an answer its connection's last, once the process is shutting down and nothing else is in flight there. */
export const withConnectionClose =
  (lifecycle: Lifecycle["Service"]): Middleware =>
  (app) =>
    Effect.zipWith(app, HttpServerRequest.HttpServerRequest, (response, request) =>
      isLast(lifecycle, NodeHttpServerRequest.toIncomingMessage(request))
        ? HttpServerResponse.setHeader(response, "connection", "close")
        : response
    )
