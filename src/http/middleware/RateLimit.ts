import { Clock, Effect, Option } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { TooManyRequests } from "../../domain/Problems.ts"
import type { RateLimit } from "../HttpSettings.ts"
import { problemFor } from "../Problem.ts"
import { clientAddress } from "./ClientAddress.ts"
import type { HttpApp, Middleware } from "./Middleware.ts"

export interface RateLimitOptions {
  readonly rateLimit: RateLimit | undefined
  readonly trustProxy: number
}

/**
 * Limits the votes (POST requests) of each client address, in this process: at most `votes` at once, and as many again
 * spread over each `seconds` (the generic cell rate algorithm). Idle addresses are forgotten after two windows.
 */
export const withRateLimit = ({ rateLimit, trustProxy }: RateLimitOptions): Middleware => {
  if (rateLimit === undefined) return (app) => app
  const { seconds, votes } = rateLimit
  const window = seconds * 1000
  const interval = window / votes
  const policy = `"votes";q=${votes};w=${seconds}`

  // By address, the time in ms at which its allowance is whole again. Two generations, a window apart: what was not
  // asked about for a whole window is whole by then, and is dropped without looking at each.
  let recent = new Map<string, number>()
  let former = new Map<string, number>()
  let turned = 0

  const wholeAt = (address: string, now: number): number => {
    if (now - turned >= window) {
      former = now - turned >= 2 * window ? new Map() : recent
      recent = new Map()
      turned = now
    }
    return Math.max(recent.get(address) ?? former.get(address) ?? now, now)
  }

  const respond = (
    app: HttpApp,
    request: HttpServerRequest.HttpServerRequest,
    address: string,
    now: number
  ): HttpApp => {
    const next = wholeAt(address, now) + interval
    const excess = next - now - window
    // A rounding error must not cost the last vote of a window.
    if (excess > interval * 1e-6) {
      const wait = String(Math.ceil(excess / 1000))
      return Effect.succeed(
        problemFor(
          request,
          new TooManyRequests({ detail: `More than ${votes} votes in ${seconds} s from one address; try again later` }),
          { "retry-after": wait, "ratelimit-policy": policy, ratelimit: `"votes";r=0;t=${wait}` }
        )
      )
    }
    recent.set(address, next)
    const remaining = Math.max(0, Math.floor(-excess / interval + 1e-6))
    const headers = {
      "ratelimit-policy": policy,
      ratelimit: `"votes";r=${remaining};t=${Math.ceil((next - now) / 1000)}`
    }
    return Effect.map(app, (response) => HttpServerResponse.setHeaders(response, headers))
  }

  return (app) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      if (request.method !== "POST") return app
      const peer = Option.getOrElse(request.remoteAddress, () => "unknown")
      const address = clientAddress(peer, request.headers["x-forwarded-for"], trustProxy)
      return Effect.flatMap(Clock.currentTimeMillis, (now) => respond(app, request, address, now))
    })
}
