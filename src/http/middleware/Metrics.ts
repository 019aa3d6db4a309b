import { Effect } from "effect"
import { HttpServerRequest } from "effect/http"
import { durations, type Meter } from "../../Metrics.ts"
import { type HttpApp, type Middleware, pathOf } from "./Middleware.ts"

/** The methods that are told apart; a client may invent others. */
const methods = new Set(["GET", "HEAD", "POST", "OPTIONS"])

interface Route {
  readonly took: (seconds: number) => void
  /** By method and status. */
  readonly answers: Map<string, () => void>
}

/** An answer has begun: to a request of a route, that came at `started` by `performance.now()`. */
export type RecordRequest = (route: string, method: string, status: number, started: number) => void

/** Counts the requests and measures how long each takes until its answer begins. */
export const makeRecord = (meter: Meter): RecordRequest => {
  const routes = new Map<string, Route>()

  const routeNamed = (route: string): Route => {
    const known = routes.get(route)
    if (known !== undefined) return known
    const took = meter.histogram(
      "tallykeep_http_request_duration_seconds",
      "From a request's headers to those of its answer",
      durations,
      { route }
    )
    const made = { took, answers: new Map() }
    routes.set(route, made)
    return made
  }

  return (route, method, status, started) => {
    const { answers, took } = routeNamed(route)
    took((performance.now() - started) / 1000)
    const key = `${method} ${status}`
    let count = answers.get(key)
    if (count === undefined) {
      const labels = { route, method: methods.has(method) ? method : "other", status: String(status) }
      count = meter.counter("tallykeep_http_requests_total", "Requests that were answered", labels)
      answers.set(key, count)
    }
    count()
  }
}

/** `routeOf` gives the pattern of a path, so that there are no more series than routes. */
export const withMetrics =
  (record: RecordRequest, routeOf: (path: string) => string): Middleware =>
  (app: HttpApp) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ method, url }) => {
      const started = performance.now()
      return Effect.map(app, (response) => {
        record(routeOf(pathOf(url)), method, response.status, started)
        return response
      })
    })
