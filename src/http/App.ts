import { Effect } from "effect"
import { HttpRouter } from "effect/http"
import { makeMeter } from "../Meter.ts"
import { Defences } from "./Defences.ts"
import { HttpSettings } from "./HttpSettings.ts"
import { Lifecycle } from "./Lifecycle.ts"
import { makeLane } from "./lane/Lane.ts"
import type { Lane } from "./lane/LaneRequests.ts"
import { withConnectionClose } from "./middleware/ConnectionClose.ts"
import { makePermission, withCors } from "./middleware/Cors.ts"
import { withFallback } from "./middleware/Fallback.ts"
import { withHost } from "./middleware/HostHeader.ts"
import type { HttpApp, Middleware } from "./middleware/Middleware.ts"
import { type RateLimiters, withRateLimit } from "./middleware/RateLimit.ts"
import { makeRecord, withMetrics } from "./middleware/RequestMetrics.ts"
import { securityHeaders, withSecurityHeaders } from "./middleware/SecurityHeaders.ts"
import { withSizeLimit } from "./middleware/SizeLimit.ts"
import { keepsLines } from "./PreparedResponse.ts"
import { makeRateLimiter } from "./RateLimiter.ts"
import { exactPaths } from "./RequestPath.ts"
import { layerRoutes, methodsOf, routeOf } from "./Routes.ts"

/** Makes the app, which answers every request, and the lane, which answers the ordinary ones by the same rules. */
export const makeApp = Effect.gen(function* () {
  const settings = yield* HttpSettings
  const lifecycle = yield* Lifecycle
  const record = makeRecord(yield* makeMeter)
  const { corsOrigins, fastLane, production, rateLimit, readLimit, trustProxy } = settings
  const { report } = yield* Defences
  const limiters: RateLimiters = {
    votes: rateLimit && makeRateLimiter(rateLimit, trustProxy),
    reads: readLimit && makeRateLimiter(readLimit, trustProxy, "reads"),
    report
  }
  const routes = yield* Effect.provideService(HttpRouter.toHttpEffect(layerRoutes), HttpRouter.RouterConfig, exactPaths)

  /** The outermost first. */
  const middleware: ReadonlyArray<Middleware> = [
    withMetrics(record, routeOf),
    withSecurityHeaders(settings),
    withHost,
    withConnectionClose(lifecycle),
    withCors({ origins: corsOrigins }),
    withSizeLimit(settings),
    withRateLimit(limiters),
    withFallback({ methodsOf, nowhere: "Nothing is here; see /docs" })
  ]
  const app = middleware.reduceRight<HttpApp>((inner, around) => around(inner), routes)
  const duties = { headers: securityHeaders(production), permission: makePermission(corsOrigins), record, lifecycle }
  const lane: Lane | undefined = fastLane && keepsLines() ? yield* makeLane(duties, limiters) : undefined
  return { app, lane }
})
