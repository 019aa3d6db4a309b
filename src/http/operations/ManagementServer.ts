import { Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { HttpApi, HttpApiBuilder } from "effect/http-api"
import type { RequestHandler } from "../FairTurns.ts"
import { HttpSettings } from "../HttpSettings.ts"
import { Lifecycle } from "../Lifecycle.ts"
import { type CantListen, listen, makeAppHandler } from "../Listen.ts"
import { makeLaneResponses } from "../lane/LaneResponses.ts"
import { makeMetricsLane } from "../lane/MetricsLane.ts"
import { withConnectionClose } from "../middleware/ConnectionClose.ts"
import { withFallback } from "../middleware/Fallback.ts"
import { layerProblemAnswers } from "../middleware/ProblemAnswers.ts"
import { securityHeaders, withSecurityHeaders } from "../middleware/SecurityHeaders.ts"
import { makeNodeServer } from "../NodeServer.ts"
import { keepsLines } from "../PreparedResponse.ts"
import { exactPaths } from "../RequestPath.ts"
import { metricsResponse } from "./MetricsText.ts"
import { OperationsGroup } from "./OperationsApi.ts"
import { Probes } from "./Probes.ts"

/** `/health`, `/ready` and `/metrics`, and nothing else. */
const ManagementApi = HttpApi.make("management").add(OperationsGroup)

const layerManagementRoutes = HttpApiBuilder.layer(ManagementApi).pipe(
  Layer.provide(
    HttpApiBuilder.group(
      ManagementApi,
      "operations",
      Effect.fnUntraced(function* (handlers) {
        const { health, metrics, ready } = yield* Probes
        return handlers
          .handle("health", () => health)
          .handle("ready", () => ready)
          .handleRaw("metrics", () => metricsResponse(metrics))
      })
    )
  ),
  Layer.provide(layerProblemAnswers)
)

const paths: ReadonlyArray<string> = Object.values(OperationsGroup.endpoints).map(({ path }) => path)

const fallback = withFallback({
  methodsOf: (path) => (paths.includes(path) ? ["GET"] : []),
  nowhere: `Here are ${paths.join(", ")}`
})

/** Probes and scrapes need few connections, which are not those of voters. */
const connections = { most: 100, refused: () => undefined }

/** The server at `MANAGEMENT_PORT`, where that is set: up before the work begins, and until it has ended. */
export const layerManagementServer: Layer.Layer<never, CantListen, HttpSettings | Lifecycle | Probes> =
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { fastLane, host, managementPort: port, production } = yield* HttpSettings
      if (port === undefined) return
      const routes = yield* HttpRouter.toHttpEffect(layerManagementRoutes).pipe(
        Effect.provideService(HttpRouter.RouterConfig, exactPaths),
        Effect.provide(HttpServer.layerServices)
      )
      const lifecycle = yield* Lifecycle
      const app = withSecurityHeaders({ production })(withConnectionClose(lifecycle)(fallback(routes)))
      const answer = yield* makeAppHandler(app)
      const { metrics } = yield* Probes
      const headers = securityHeaders(production)
      const duties = { headers, lifecycle, permission: () => ({}), record: () => undefined }
      const lane = fastLane && keepsLines() ? makeMetricsLane(makeLaneResponses(duties), metrics) : undefined
      const handler: RequestHandler = (request, response) => {
        if (!lane?.(request, response)) answer(request, response)
      }
      const node = makeNodeServer(headers, handler, connections)
      const server = yield* listen(node, { host, port, setting: "MANAGEMENT_PORT" })
      // Whoever scrapes or probes keeps its connection open.
      yield* Effect.addFinalizer(() => Effect.sync(() => node.closeAllConnections()))
      yield* Effect.logInfo(`Health and metrics at ${HttpServer.formatAddress(server.address)}`)
    })
  )
