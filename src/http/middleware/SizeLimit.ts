import { Effect } from "effect"
import { HttpServerRequest } from "effect/http"
import { BodyTooLarge } from "../../domain/Problems.ts"
import { problemResponse } from "../Problem.ts"
import type { HttpApp, Middleware } from "./Middleware.ts"

/** Refuses a request that declares a body over the limit, in bytes, without reading any of it. */
export const withSizeLimit =
  (options: { readonly maxRequestSize: number }): Middleware =>
  (app: HttpApp) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers, url }) => {
      const declared = headers["content-length"]
      return declared !== undefined && Number(declared) > options.maxRequestSize
        ? Effect.succeed(problemResponse(BodyTooLarge.over(options.maxRequestSize), url))
        : app
    })
