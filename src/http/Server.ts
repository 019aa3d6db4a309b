import type { Server } from "node:http"
import { Server as NetServer } from "node:net"
import { Deferred, Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
import { makeMeter } from "../Meter.ts"
import { makeApp } from "./App.ts"
import { Defences } from "./Defences.ts"
import type { RequestHandler } from "./FairTurns.ts"
import { HttpSettings } from "./HttpSettings.ts"
import { Lifecycle } from "./Lifecycle.ts"
import { listen, makeAppHandler } from "./Listen.ts"
import { securityHeaders } from "./middleware/SecurityHeaders.ts"
import { makeNodeServer } from "./NodeServer.ts"

/** The HTTP server; when its scope closes, requests in flight are answered before it ends. */
export const layerServer = Layer.effect(
  HttpServer.HttpServer,
  Effect.gen(function* () {
    const { host, maxConnections, port, production, shutdownDelay } = yield* HttpSettings
    const { report } = yield* Defences
    const lifecycle = yield* Lifecycle
    const node = makeNodeServer(securityHeaders(production), yield* makeHandler, {
      most: maxConnections,
      refused: (peer) => report("connections", peer)
    })
    const server = yield* listen(node, { host, port, setting: "PORT" })
    lifecycle.phase = "running"
    yield* Effect.addFinalizer(() => drain(node, lifecycle, shutdownDelay))
    return server
  })
)

/** Makes the handler of all requests: the lane answers those that it takes, the app all others. */
const makeHandler = Effect.gen(function* () {
  const { app, lane } = yield* makeApp.pipe(Effect.provide(HttpServer.layerServices))
  const answer = yield* makeAppHandler(app)
  if (lane === undefined) {
    yield* Effect.logInfo("Every request goes through the app: the fast lane is off")
    return answer
  }
  const meter = yield* makeMeter
  const passed = meter.counter("tallykeep_lane_passed_total", "Requests that the fast lane left to the app")
  const handler: RequestHandler = (request, response) => {
    if (lane(request, response)) return
    passed()
    answer(request, response)
  }
  return handler
})

/** An idle connection may have a request on its way: it is closed only after this, in ms. */
const idleGrace = 250
const pollInterval = 20
/** How long requests are answered of a client that sends them faster than it gets answers, in ms. */
const patience = 5_000

/**
 * Says goodbye: `/ready` turns to 503, and after `delay` ms no connection is accepted. Those that are open get the
 * answers to the requests in flight, of which the last one says so; idle ones are closed.
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
    if (waited >= patience) lifecycle.hurries = true
    yield* Effect.sleep(pollInterval)
  }
  yield* Effect.logInfo("All requests are answered")
})

const openConnections = (node: Server): Effect.Effect<number> =>
  Effect.callback((resume) => {
    node.getConnections((error, count) => resume(Effect.succeed(error ? 0 : count)))
  })
