import { Effect, Option } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { TooManyRequests } from "../../domain/Problems.ts"
import { elapsed } from "../../Elapsed.ts"
import { clientAddress } from "../ClientAddress.ts"
import type { RateLimit } from "../HttpSettings.ts"
import { problemFor } from "../Problem.ts"
import type { Middleware } from "./Middleware.ts"

/**
 * Takes one vote off the allowance of the client behind a peer, at a time in ms of `elapsed`. Returns the refusal where nothing
 * was left, and the headers that tell the client where it stands.
 */
export type RateLimiter = (
  peer: string,
  forwardedFor: string | undefined,
  now: number
) => { readonly refusal: TooManyRequests | undefined; readonly headers: Readonly<Record<string, string>> }

/**
 * Limits the votes of each client address, in this process: at most `votes` at once, and as many again spread over each
 * `seconds` (the generic cell rate algorithm). Idle addresses are forgotten after two windows.
 */
export const makeRateLimiter = ({ seconds, votes }: RateLimit, trustProxy: number): RateLimiter => {
  const window = seconds * 1000
  const interval = window / votes
  const policy = `"votes";q=${votes};w=${seconds}`
  const detail = `More than ${votes} votes in ${seconds} s from one address; try again later`
  const refusal = new TooManyRequests({ detail })

  // The time in ms at which an address has its whole allowance again, in two generations, a window apart. An address that
  // did not ask for a whole window has it by then, and is dropped without being looked at.
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

  return (peer, forwardedFor, now) => {
    const address = clientAddress(peer, forwardedFor, trustProxy)
    const next = wholeAt(address, now) + interval
    const excess = next - now - window
    // A rounding error must not cost the last vote of a window.
    if (excess > interval * 1e-6) {
      const wait = String(Math.ceil(excess / 1000))
      const headers = { "retry-after": wait, "ratelimit-policy": policy, ratelimit: `"votes";r=0;t=${wait}` }
      return { refusal, headers }
    }
    recent.set(address, next)
    const remaining = Math.max(0, Math.floor(-excess / interval + 1e-6))
    const ratelimit = `"votes";r=${remaining};t=${Math.ceil((next - now) / 1000)}`
    return { refusal: undefined, headers: { "ratelimit-policy": policy, ratelimit } }
  }
}

/** Asks the limiter for each POST request; without one, there is no limit. */
export const withRateLimit = (limiter: RateLimiter | undefined): Middleware => {
  if (limiter === undefined) return (app) => app
  return (app) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      if (request.method !== "POST") return app
      const peer = Option.getOrElse(request.remoteAddress, () => "unknown")
      return Effect.flatMap(elapsed, (now) => {
        const { headers, refusal } = limiter(peer, request.headers["x-forwarded-for"], now)
        return refusal === undefined
          ? Effect.map(app, (response) => HttpServerResponse.setHeaders(response, headers))
          : Effect.succeed(problemFor(request, refusal, headers))
      })
    })
}
