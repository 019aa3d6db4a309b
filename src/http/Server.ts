import type { Server } from "node:http"
import { Server as NetServer } from "node:net"
import { NodeHttpServer, NodeHttpServerRequest } from "@effect/platform-node"
import { Data, Deferred, Effect, Layer } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Malformed } from "../domain/Problems.ts"
import { makeMeter } from "../Meter.ts"
import { HttpSettings } from "./HttpSettings.ts"
import { Lifecycle } from "./Lifecycle.ts"
import { type Lane, makeAnswer, openLane } from "./lane/Lane.ts"
import { makeEventsLane, makeResultsLane } from "./lane/ResultsLane.ts"
import { makeVoteLane } from "./lane/VoteLane.ts"
import { makePermission, withCors } from "./middleware/Cors.ts"
import { withFallback } from "./middleware/Fallback.ts"
import type { HttpApp, Middleware } from "./middleware/Middleware.ts"
import { makeRateLimiter, withRateLimit } from "./middleware/RateLimit.ts"
import { makeRecord, withMetrics } from "./middleware/RequestMetrics.ts"
import { securityHeaders, withSecurityHeaders } from "./middleware/SecurityHeaders.ts"
import { withSizeLimit } from "./middleware/SizeLimit.ts"
import { makeNodeServer } from "./NodeServer.ts"
import { problemResponse } from "./Problem.ts"
import { layerRoutes, methodsOf, routeOf } from "./Routes.ts"

/**
 * The routes with the middleware around them, outermost first: metrics, security headers, CORS, size and rate limit. And
 * the fast lane past them, which takes no request where requests are traced.
 */
export const makeApp = Effect.gen(function* () {
  const settings = yield* HttpSettings
  const lifecycle = yield* Lifecycle
  const record = makeRecord(yield* makeMeter)
  const { corsOrigins, production, rateLimit, trustProxy } = settings
  const limiter = rateLimit === undefined ? undefined : makeRateLimiter(rateLimit, trustProxy)
  const routes = yield* Effect.provideService(HttpRouter.toHttpEffect(layerRoutes), HttpRouter.RouterConfig, exactPaths)
  const middleware: ReadonlyArray<Middleware> = [
    withMetrics(record, routeOf),
    withSecurityHeaders(settings),
    withHost,
    withConnectionClose(lifecycle),
    withCors({ origins: corsOrigins }),
    withSizeLimit(settings),
    withRateLimit(limiter),
    withFallback(methodsOf)
  ]
  const app = middleware.reduceRight<HttpApp>((app, around) => around(app), routes)
  const permission = makePermission(corsOrigins)
  const answer = makeAnswer({ headers: securityHeaders(production), permission, record, lifecycle })
  const votes = yield* makeVoteLane(answer, limiter)
  const results = yield* makeResultsLane(answer)
  const events = yield* makeEventsLane(answer)
  const lane: Lane = (request, response) =>
    votes(request, response) || results(request, response) || events(request, response)
  return { app, lane: settings.tracing ? undefined : lane }
})

/** A path has one spelling: else an answer that no route gives (405, `Allow`) would have to know the others. */
const exactPaths = { caseSensitive: true, ignoreTrailingSlash: false, ignoreDuplicateSlashes: false }

/** HTTP/1.1 wants a Host (RFC 9112), HTTP/1.0, which some probes speak, does not; Node would say so without our headers. */
const withHost: Middleware = (app) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    request.headers.host === undefined && NodeHttpServerRequest.toIncomingMessage(request).httpVersion !== "1.0"
      ? Effect.succeed(problemResponse(new Malformed({ detail: "The request has no Host header" }), request.url))
      : app
  )

/** Once the process is shutting down, each answer is its connection's last. */
const withConnectionClose =
  (lifecycle: Lifecycle["Service"]): Middleware =>
  (app) =>
    Effect.map(app, (response) =>
      lifecycle.phase === "stopping" ? HttpServerResponse.setHeader(response, "connection", "close") : response
    )

/** The address that the settings give can't be listened on. */
export class CantListen extends Data.TaggedError("CantListen")<{
  readonly host: string
  readonly port: number
  /** The one that the port is from. */
  readonly setting: "PORT" | "MANAGEMENT_PORT"
  readonly cause: unknown
}> {
  override get message(): string {
    const why = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `tallykeep can't listen on ${this.host}:${this.port} (${why}): stop what uses it, or set HOST and ${this.setting}`
  }
}

/** The HTTP server; when its scope closes, requests in flight are answered before it ends. */
export const layerServer = Layer.effect(
  HttpServer.HttpServer,
  Effect.gen(function* () {
    const settings = yield* HttpSettings
    const lifecycle = yield* Lifecycle
    const node = makeNodeServer(securityHeaders(settings.production))
    const { app, lane } = yield* makeApp.pipe(Effect.provide(HttpServer.layerServices))
    const server = yield* NodeHttpServer.make(() => node, {
      host: settings.host,
      port: settings.port,
      // Drained below, before anything is closed.
      disablePreemptiveShutdown: true
    }).pipe(
      Effect.mapError(
        ({ cause }) => new CantListen({ host: settings.host, port: settings.port, setting: "PORT", cause })
      )
    )
    yield* server.serve(app)
    if (lane !== undefined) openLane(node, lane)
    // Nothing here upgrades a connection: without a listener, Node treats a request for it (`curl --http2`) as any other.
    node.removeAllListeners("upgrade")
    lifecycle.phase = "running"
    yield* Effect.addFinalizer(() => drain(node, lifecycle, settings.shutdownDelay))
    return server
  })
)

/** An idle connection may have a request on its way: it is closed only after this, in ms. */
const idleGrace = 250
const pollInterval = 20

/**
 * Says goodbye: `/ready` turns to 503, and after `delay` ms no connection is accepted. Those that are open get the
 * answer to the request in flight, as their last; idle ones are closed.
 */
const drain = Effect.fnUntraced(function* (node: Server, lifecycle: Lifecycle["Service"], delay: number) {
  lifecycle.phase = "stopping"
  yield* Deferred.succeed(lifecycle.stop, undefined)
  yield* Effect.logInfo("Shutting down: no longer ready")
  yield* Effect.sleep(delay)
  // http.Server's own close also ends idle connections at once, with what may be on its way in them.
  NetServer.prototype.close.call(node)
  for (let waited = 0; (yield* openConnections(node)) > 0; waited += pollInterval) {
    if (waited >= idleGrace) node.closeIdleConnections()
    yield* Effect.sleep(pollInterval)
  }
  yield* Effect.logInfo("All requests are answered")
})

const openConnections = (node: Server): Effect.Effect<number> =>
  Effect.callback((resume) => {
    node.getConnections((error, count) => resume(Effect.succeed(error ? 0 : count)))
  })
