import { Cause, Effect } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { InternalError } from "../../domain/Problems.ts"
import { problemResponse } from "../Problem.ts"
import type { HttpApp, Middleware } from "./Middleware.ts"

/** The headers that every response carries, whatever its status. */
export const securityHeaders = (production: boolean): Readonly<Record<string, string>> => ({
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'self'",
  "x-xss-protection": "1; mode=block",
  "referrer-policy": "strict-origin-when-cross-origin",
  ...(production ? { "strict-transport-security": "max-age=31536000" } : {})
})

/**
 * Puts the security headers on every response; a header that the response has set itself stays. It also answers where what
 * is inside it fails.
 */
export const withSecurityHeaders = (options: { readonly production: boolean }): Middleware => {
  const headers = securityHeaders(options.production)
  const protect = (response: HttpServerResponse.HttpServerResponse) =>
    HttpServerResponse.setHeaders(response, { ...headers, ...response.headers })
  return (app: HttpApp) =>
    Effect.matchCauseEffect(app, {
      onSuccess: (response) => Effect.succeed(protect(response)),
      onFailure: (cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.failCause(cause)
          : Effect.logError("A request failed", cause).pipe(
              Effect.andThen(HttpServerRequest.HttpServerRequest),
              Effect.map(({ url }) => protect(problemResponse(new InternalError({}), url)))
            )
    })
}
