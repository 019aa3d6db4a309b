import type { IncomingMessage } from "node:http"
import { Clock, Effect } from "effect"
import { elapsedMs } from "../../Elapsed.ts"
import type { PreparedResponse } from "../PreparedResponse.ts"
import type { RateLimiter } from "../RateLimiter.ts"

/** Answers a request and returns true, or leaves it to the app and returns false. */
export type Lane = (request: IncomingMessage, response: PreparedResponse) => boolean

/** Whether there is nothing about a request that only the app knows how to treat. */
export const isOrdinary = ({ headers }: IncomingMessage): boolean =>
  headers.host !== undefined && headers.expect === undefined

export const pollPath = "/api/polls/"

/** Returns the slug in the path `<prefix><slug><rest>`, as it is written there. */
export const slugIn = (url: string, prefix: string, rest: string): string | undefined =>
  url.startsWith(prefix) && url.endsWith(rest) ? url.slice(prefix.length, url.length - rest.length) : undefined

/** Makes the function that returns whether the sender of a request may read. Where not, the app is told the same, and says so. */
export const makeMayRead = (limiter: RateLimiter | undefined) =>
  Effect.map(Clock.Clock, (clock) => ({ headers, socket }: IncomingMessage): boolean => {
    if (limiter === undefined) return true
    const forwarded = headers["x-forwarded-for"]?.toString()
    return limiter(socket.remoteAddress ?? "unknown", forwarded, elapsedMs(clock)).refusal === undefined
  })
