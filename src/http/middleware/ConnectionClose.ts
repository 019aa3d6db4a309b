import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import type { Lifecycle } from "../Lifecycle.ts"
import type { Middleware } from "./Middleware.ts"

/** Makes each answer its connection's last, once the process is shutting down. */
export const withConnectionClose =
  (lifecycle: Lifecycle["Service"]): Middleware =>
  (app) =>
    Effect.map(app, (response) =>
      lifecycle.phase === "stopping" ? HttpServerResponse.setHeader(response, "connection", "close") : response
    )
