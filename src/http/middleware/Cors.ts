import { Effect } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { solutionHeader } from "../../domain/SolutionHeader.ts"
import type { HttpApp, Middleware } from "./Middleware.ts"

const preflightHeaders = {
  "access-control-allow-methods": "GET, POST, OPTIONS",
  "access-control-allow-headers":
    "Accept, Authorization, Cache-Control, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, " +
    `traceparent, tracestate, ${solutionHeader}`,
  "access-control-max-age": "600"
}

/** The headers that a page's own script may read besides the body. */
const exposed = { "access-control-expose-headers": "ETag, Location, RateLimit, RateLimit-Policy, Retry-After" }

/** Returns the headers of an answer to a page of this origin, or to no page at all. */
export type Permission = (origin: string | undefined) => Readonly<Record<string, string>>

const makeGrant = (listed: ReadonlyArray<string>): Permission => {
  const origins = new Set(listed)
  if (origins.has("*")) return () => ({ "access-control-allow-origin": "*" })
  return (origin) =>
    origin !== undefined && origins.has(origin)
      ? { vary: "Origin", "access-control-allow-origin": origin }
      : { vary: "Origin" }
}

export const makePermission = (origins: ReadonlyArray<string>): Permission => {
  const grant = makeGrant(origins)
  return (origin) => (origin === undefined ? grant(origin) : { ...grant(origin), ...exposed })
}

/**
 * Lets pages of the listed origins (`*`: of any) use the API, and answers preflights. An origin that is not listed gets
 * no permission, and the browser keeps the answer from it.
 */
export const withCors = (options: { readonly origins: ReadonlyArray<string> }): Middleware => {
  const any = options.origins.includes("*")
  const grant = makeGrant(options.origins)
  const permission = makePermission(options.origins)
  return (app: HttpApp) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers, method }) => {
      const { origin } = headers
      const granted = grant(origin)
      if (method === "OPTIONS" && origin !== undefined && headers["access-control-request-method"] !== undefined) {
        const allowed = "access-control-allow-origin" in granted
        return Effect.succeed(
          HttpServerResponse.empty({ status: 204, headers: allowed ? { ...granted, ...preflightHeaders } : granted })
        )
      }
      const answer = permission(origin)
      return Effect.map(app, (response) => {
        // The public log is for all origins, whatever is listed.
        if ("access-control-allow-origin" in response.headers) return response
        // An answer that varies by something else too goes on to say so.
        const { vary } = response.headers
        return HttpServerResponse.setHeaders(
          response,
          vary === undefined || any ? answer : { ...answer, vary: `${vary}, Origin` }
        )
      })
    })
}
