import { Effect } from "effect"
import { HttpServerRequest } from "effect/http"
import { durations, type Meter } from "../../Meter.ts"
import { pathOf } from "../RequestPath.ts"
import type { HttpApp, Middleware } from "./Middleware.ts"

/** The methods that have series of their own; a client may invent others. */
const methods = new Set(["GET", "HEAD", "POST", "OPTIONS"])

interface Route {
  readonly took: (seconds: number) => void
  /** By method, then by status. */
  readonly answers: Map<string, Map<number, () => void>>
}

/** What goes wrong with requests is shown as 0 until it does: a rate needs the zero that it rose from. */
const failures = [500, 503]

/** The series that an answer is counted in. */
interface Series {
  readonly name: string
  readonly method: string
  readonly status: number
  readonly took: (seconds: number) => void
  readonly count: () => void
}

/** Records that an answer has begun, to a request for a route that came at `started` by `performance.now()`. */
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

  const counterOf = (route: string, method: string, status: number) => {
    const labels = { route, method, status: String(status) }
    return meter.counter("tallykeep_http_requests_total", "Requests that were answered", labels)
  }

  const seriesOf = (name: string, method: string, status: number): Series => {
    const route = routeNamed(name)
    const known = methods.has(method) ? method : "other"
    const answers =
      route.answers.get(known) ?? new Map(failures.map((failure) => [failure, counterOf(name, known, failure)]))
    const count = answers.get(status) ?? counterOf(name, known, status)
    route.answers.set(known, answers.set(status, count))
    return { name, method, status, took: route.took, count }
  }

  // Votes have their series from the start.
  let last = seriesOf("/api/vote", "POST", 201)
  return (name, method, status, started) => {
    // Most requests are like the one before.
    if (last.status !== status || last.name !== name || last.method !== method) last = seriesOf(name, method, status)
    last.took((performance.now() - started) / 1000)
    last.count()
  }
}

/** Records each answer; `routeOf` returns the pattern of a path, so that there are no more series than routes. */
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
