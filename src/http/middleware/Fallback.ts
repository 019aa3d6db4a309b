import { Cause, Effect } from "effect"
import { HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { internalError, MethodNotAllowed, NotFound } from "../../domain/Problems.ts"
import { problemResponse } from "../Problem.ts"
import { pathOf } from "../RequestPath.ts"
import type { HttpApp } from "./Middleware.ts"

export interface FallbackOptions {
  /** Returns the methods that a path has, by the path without its query. */
  readonly methodsOf: (path: string) => ReadonlyArray<string>
  /** The answer's words where there is no such path. */
  readonly nowhere: string
}

/**
 * Turns what the routes leave unanswered into problems: no such path, no such method there, a failure of ours. It is the
 * innermost middleware, so that the others treat these answers like any other.
 */
export const withFallback =
  (options: FallbackOptions) =>
  (app: HttpApp): HttpApp =>
    Effect.catchCause(withOneSpelling(app), (cause) => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
      return Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
        const error = Cause.squash(cause)
        return HttpServerError.isHttpServerError(error) && error.reason._tag === "RouteNotFound"
          ? Effect.succeed(unrouted(request, options))
          : Effect.as(
              Effect.logError(`${request.method} ${pathOf(request.url)} failed`, cause),
              problemResponse(internalError, request.url)
            )
      })
    })

/** What paths of ours are made of. The router would take `/%61dmin` and `/admin;x` for `/admin`; whoever guards that does not. */
const plainPath = /^[\w./~-]*$/

const withOneSpelling = (app: HttpApp): HttpApp =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    plainPath.test(pathOf(request.url))
      ? app
      : Effect.fail(new HttpServerError.HttpServerError({ reason: new HttpServerError.RouteNotFound({ request }) }))
  )

const unrouted = ({ method, url }: HttpServerRequest.HttpServerRequest, { methodsOf, nowhere }: FallbackOptions) => {
  if (method === "OPTIONS" && url === "*")
    return HttpServerResponse.empty({ status: 204, headers: { allow: "GET, HEAD, POST, OPTIONS" } })
  const path = pathOf(url)
  const known = plainPath.test(path) ? methodsOf(path) : []
  // A path that has the method and yet was not routed has a part that is too long or can't be decoded.
  if (known.length === 0 || known.includes(method === "HEAD" ? "GET" : method)) {
    return problemResponse(new NotFound({ detail: nowhere }), url)
  }
  const allow = [...known, ...(known.includes("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ")
  return method === "OPTIONS"
    ? HttpServerResponse.empty({ status: 204, headers: { allow } })
    : problemResponse(new MethodNotAllowed({ detail: `Allowed here: ${allow}` }), url, { allow })
}
