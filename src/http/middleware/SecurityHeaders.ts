import { Cause, Effect } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { internalError } from "../../domain/Problems.ts"
import { problemResponse } from "../Problem.ts"
import type { HttpApp, Middleware } from "./Middleware.ts"

/** What a page of ours may ask of the browser: a screen that stays on, the whole of it, and to copy links. */
const allowedFeatures = ["clipboard-write", "fullscreen", "screen-wake-lock"]

/**
 * What else browsers could hand over of someone's devices, whereabouts or money. Other scripts than ours don't run here, nor do
 * frames; so the list is short, since each vote's answer carries it.
 */
const deniedFeatures = ["camera", "clipboard-read", "display-capture", "geolocation", "microphone", "payment", "usb"]

const permissionsPolicy = [
  ...allowedFeatures.map((feature) => `${feature}=(self)`),
  ...deniedFeatures.map((feature) => `${feature}=()`)
].join(", ")

/** The headers that every response carries, whatever its status. */
export const securityHeaders = (production: boolean): Readonly<Record<string, string>> => ({
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'self'",
  "x-xss-protection": "1; mode=block",
  "referrer-policy": "strict-origin-when-cross-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": permissionsPolicy,
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
              Effect.map(({ url }) => protect(problemResponse(internalError, url)))
            )
    })
}
