import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { HttpServer, HttpServerRequest } from "effect/http"
import { MethodNotAllowed, NotFound } from "../../domain/Problems.ts"
import { HttpSettings } from "../HttpSettings.ts"
import { type HttpApp, pathOf } from "../middleware/Middleware.ts"
import { securityHeaders, withSecurityHeaders } from "../middleware/SecurityHeaders.ts"
import { makeNodeServer } from "../NodeServer.ts"
import { problemResponse } from "../Problem.ts"
import { CantListen } from "../Server.ts"
import { Probes } from "./Probes.ts"

const isRead = (method: string): boolean => method === "GET" || method === "HEAD"

/** `/health`, `/ready` and `/metrics`, and nothing else. */
const makeApp = Effect.map(Probes, (probes): HttpApp => {
  const answers = new Map(Object.entries(probes).map(([name, answer]) => [`/${name}`, answer]))
  return Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ method, url }) => {
    const answer = answers.get(pathOf(url))
    if (answer === undefined) {
      return Effect.succeed(
        problemResponse(new NotFound({ detail: `Here are ${[...answers.keys()].join(", ")}` }), url)
      )
    }
    return isRead(method)
      ? answer
      : Effect.succeed(
          problemResponse(new MethodNotAllowed({ detail: "Allowed here: GET, HEAD" }), url, { allow: "GET, HEAD" })
        )
  })
})

/** The server at `MANAGEMENT_PORT`, where that is set: up before the work begins, and until it has ended. */
export const layerManagementServer: Layer.Layer<never, CantListen, HttpSettings | Probes> = Layer.effectDiscard(
  Effect.gen(function* () {
    const { host, managementPort: port, production } = yield* HttpSettings
    if (port === undefined) return
    const node = makeNodeServer(securityHeaders(production))
    const server = yield* NodeHttpServer.make(() => node, { host, port, disablePreemptiveShutdown: true }).pipe(
      Effect.mapError(({ cause }) => new CantListen({ host, port, setting: "MANAGEMENT_PORT", cause }))
    )
    yield* server.serve(withSecurityHeaders({ production })(yield* makeApp))
    // Whoever scrapes or probes keeps its connection open.
    yield* Effect.addFinalizer(() => Effect.sync(() => node.closeAllConnections()))
    yield* Effect.logInfo(`Health and metrics at ${HttpServer.formatAddress(server.address)}`)
  })
)
