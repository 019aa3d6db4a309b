import { NodeHttpServer } from "@effect/platform-node"
import { Data, Effect, Scope } from "effect"
import type { RequestHandler } from "./FairTurns.ts"
import type { HttpApp } from "./middleware/Middleware.ts"
import { toKnownTraceparent } from "./Traceparent.ts"

/** The address that the settings give can't be listened on. */
export class CantListen extends Data.TaggedError("CantListen")<{
  readonly host: string
  readonly port: number
  /** The setting that the port is from. */
  readonly setting: "PORT" | "MANAGEMENT_PORT"
  readonly cause: unknown
}> {
  override get message(): string {
    const why = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `tallykeep can't listen on ${this.host}:${this.port} (${why}): stop what uses it, or set HOST and ${this.setting}`
  }
}

/** Makes a handler for Node's requests of an app; what it still answers is interrupted when the scope closes. */
export const makeAppHandler = (app: HttpApp): Effect.Effect<RequestHandler, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = Scope.forkUnsafe(yield* Effect.scope, "parallel")
    const handle = yield* NodeHttpServer.makeHandler(app, { scope })
    return (request, response) => {
      const { headers } = request
      if (typeof headers.traceparent === "string") headers.traceparent = toKnownTraceparent(headers.traceparent)
      handle(request, response)
    }
  })

/** Lets a server listen until the scope closes; whoever calls this ends its connections before that. */
export const listen = (
  node: Parameters<typeof NodeHttpServer.make>[0] extends () => infer Node ? Node : never,
  address: Pick<CantListen, "host" | "port" | "setting">
) =>
  NodeHttpServer.make(() => node, {
    host: address.host,
    port: address.port,
    disablePreemptiveShutdown: true
  }).pipe(Effect.mapError(({ cause }) => new CantListen({ ...address, cause })))
