import { Effect, Option } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { elapsed } from "../../Elapsed.ts"
import { problemFor } from "../Problem.ts"
import type { RateLimiter } from "../RateLimiter.ts"
import { pathOf } from "../RequestPath.ts"
import type { Middleware } from "./Middleware.ts"

/** What is limited, for each client address. */
export interface RateLimiters {
  readonly votes: RateLimiter | undefined
  /** Of GET and HEAD. Only their refusals tell the client where it stands. */
  readonly reads: RateLimiter | undefined
  readonly report: (what: "votes" | "reads", peer: string) => void
}

/** What machines of the operator's ask for: they must be answered whoever else asks. */
const unlimited = new Set(["/health", "/ready", "/metrics"])

/** What never changes of a public log: who checks one asks for all of it. */
const immutable = /^\/api\/polls\/[^/]+\/log\/(?:\d+\/)?tile\//

/** Asks the limiters for each request; without one, there is no limit. */
export const withRateLimit =
  ({ reads, report, votes }: RateLimiters): Middleware =>
  (app) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      const { method, url } = request
      const what = method === "POST" ? "votes" : "reads"
      const limiter = what === "votes" ? votes : reads
      if (limiter === undefined || !limited.has(method) || unlimited.has(pathOf(url))) return app
      if (what === "reads" && immutable.test(url)) return app
      const peer = Option.getOrElse(request.remoteAddress, () => "unknown")
      return Effect.flatMap(elapsed, (now) => {
        const { headers, refusal } = limiter(peer, request.headers["x-forwarded-for"], now)
        if (refusal !== undefined) {
          report(what, peer)
          return Effect.succeed(problemFor(request, refusal, headers()))
        }
        return what === "votes"
          ? Effect.map(app, (response) => HttpServerResponse.setHeaders(response, headers()))
          : app
      })
    })

const limited = new Set(["POST", "GET", "HEAD"])
