import { Cause, Effect } from "effect"
import { HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiError } from "effect/http-api"
import { InternalError, Malformed, MethodNotAllowed, NotFound } from "../../domain/Problems.ts"
import { problemResponse } from "../Problem.ts"
import { type HttpApp, pathOf } from "./Middleware.ts"

/** Which methods a path has, by the path without its query. */
export type Methods = (path: string) => ReadonlyArray<string>

/**
 * Turns what the routes leave unanswered into problems: no such path, no such method there, a failure of ours. Inside
 * the middleware, which then treats these answers like any other.
 */
export const withFallback =
  (methods: Methods) =>
  (app: HttpApp): HttpApp =>
    Effect.catchCause(app, (cause) => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
      return Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
        const error = Cause.squash(cause)
        if (HttpServerError.isHttpServerError(error) && error.reason._tag === "RouteNotFound") {
          return Effect.succeed(unrouted(request, methods))
        }
        if (HttpApiError.HttpApiSchemaError.is(error)) {
          return Effect.succeed(problemResponse(new Malformed({ detail: "The query is not understood" }), request.url))
        }
        return Effect.as(
          Effect.logError(`${request.method} ${pathOf(request.url)} failed`, cause),
          problemResponse(new InternalError({}), request.url)
        )
      })
    })

const unrouted = ({ method, url }: HttpServerRequest.HttpServerRequest, methods: Methods) => {
  const known = methods(pathOf(url))
  // A path that has the method and was not routed all the same has a part that is too long, or no text.
  if (known.length === 0 || known.includes(method === "HEAD" ? "GET" : method)) {
    return problemResponse(new NotFound({ detail: "Nothing is here; see /docs" }), url)
  }
  const allow = [...known, ...(known.includes("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ")
  return method === "OPTIONS"
    ? HttpServerResponse.empty({ status: 204, headers: { allow } })
    : problemResponse(new MethodNotAllowed({ detail: `Allowed here: ${allow}` }), url, { allow })
}
