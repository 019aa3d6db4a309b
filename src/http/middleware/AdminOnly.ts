import { Effect, Layer, Redacted } from "effect"
import { HttpApiMiddleware, HttpApiSecurity } from "effect/http-api"
import { Forbidden, Unauthorized } from "../../domain/Problems.ts"
import { isAdminToken } from "../AdminToken.ts"
import { HttpSettings } from "../HttpSettings.ts"

/** Around the admin's endpoints: refuses whoever does not send the admin's token. */
export class AdminOnly extends HttpApiMiddleware.Service<AdminOnly>()("tallykeep/http/middleware/AdminOnly", {
  error: [Unauthorized, Forbidden],
  security: { admin: HttpApiSecurity.bearer }
}) {}

const off = new Forbidden({ detail: "The admin's endpoints are off: the service has no ADMIN_TOKEN" })

const wrong = new Unauthorized({ detail: "The admin's token is needed: Authorization: Bearer <ADMIN_TOKEN>" })

export const layerAdminOnly = Layer.effect(
  AdminOnly,
  Effect.map(HttpSettings, ({ adminToken }) => ({
    admin: (handler, { credential }) => {
      if (adminToken === undefined) return Effect.fail(off)
      return isAdminToken(adminToken, Redacted.value(credential)) ? handler : Effect.fail(wrong)
    }
  }))
)
