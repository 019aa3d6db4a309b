import { Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { HttpApi, HttpApiBuilder } from "effect/http-api"
import { exactPaths } from "../App.ts"
import { HttpSettings } from "../HttpSettings.ts"
import { type CantListen, listen, makeAppHandler } from "../Listen.ts"
import { withFallback } from "../middleware/Fallback.ts"
import { layerProblemAnswers } from "../middleware/ProblemAnswers.ts"
import { securityHeaders, withSecurityHeaders } from "../middleware/SecurityHeaders.ts"
import { makeNodeServer } from "../NodeServer.ts"
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
          .handle("metrics", () => metrics)
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
export const layerManagementServer: Layer.Layer<never, CantListen, HttpSettings | Probes> = Layer.effectDiscard(
  Effect.gen(function* () {
    const { host, managementPort: port, production } = yield* HttpSettings
    if (port === undefined) return
    const routes = yield* HttpRouter.toHttpEffect(layerManagementRoutes).pipe(
      Effect.provideService(HttpRouter.RouterConfig, exactPaths),
      Effect.provide(HttpServer.layerServices)
    )
    const app = withSecurityHeaders({ production })(fallback(routes))
    const node = makeNodeServer(securityHeaders(production), yield* makeAppHandler(app), connections)
    const server = yield* listen(node, { host, port, setting: "MANAGEMENT_PORT" })
    // Whoever scrapes or probes keeps its connection open.
    yield* Effect.addFinalizer(() => Effect.sync(() => node.closeAllConnections()))
    yield* Effect.logInfo(`Health and metrics at ${HttpServer.formatAddress(server.address)}`)
  })
)
