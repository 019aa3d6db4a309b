import { Effect, Layer, Redacted } from "effect"
import { HttpServerRequest } from "effect/http"
import { HttpApiMiddleware, HttpApiSecurity } from "effect/http-api"
import { Forbidden, TooManyRequests, Unauthorized } from "../../domain/Problems.ts"
import { HttpSettings } from "../HttpSettings.ts"
import { SignIns } from "../SignIns.ts"

/** Around the admin's endpoints: refuses whoever does not send the admin's token. */
export class AdminOnly extends HttpApiMiddleware.Service<AdminOnly>()("tallykeep/http/middleware/AdminOnly", {
  error: [Unauthorized, Forbidden, TooManyRequests],
  security: { admin: HttpApiSecurity.bearer }
}) {}

const off = new Forbidden({ detail: "The admin's endpoints are off: the service has no ADMIN_TOKEN" })

const missing = new Unauthorized({ detail: "The admin's token is needed: Authorization: Bearer <ADMIN_TOKEN>" })

const wrong = Unauthorized.invalidToken("The token is not the admin's")

export const layerAdminOnly = Layer.effect(
  AdminOnly,
  Effect.map(Effect.all([HttpSettings, SignIns]), ([{ adminTokens }, signIns]) => ({
    admin: (handler, { credential }) => {
      if (adminTokens.length === 0) return Effect.fail(off)
      const given = Redacted.value(credential)
      return HttpServerRequest.HttpServerRequest.pipe(
        Effect.flatMap((request) => signIns.isAdminToken(given, request)),
        Effect.filterOrFail(
          (isAdmin) => isAdmin,
          () => (given === "" ? missing : wrong)
        ),
        Effect.andThen(handler)
      )
    }
  }))
)
