import { createHash, timingSafeEqual } from "node:crypto"
import { Effect } from "effect"
import type { HttpServerRequest } from "effect/http"
import { Forbidden, Unauthorized } from "../../domain/Problems.ts"

const digest = (text: string) => createHash("sha256").update(text).digest()

/** Whether a request carries the admin's token; compared in a time that tells nothing about it. */
export const isAdmin = (adminToken: string | undefined, request: HttpServerRequest.HttpServerRequest): boolean => {
  const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1]
  return adminToken !== undefined && given !== undefined && timingSafeEqual(digest(given), digest(adminToken))
}

/** Fails where the request is not the admin's. */
export const checkAdmin = (
  adminToken: string | undefined,
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<void, Unauthorized | Forbidden> => {
  if (adminToken === undefined) {
    return Effect.fail(new Forbidden({ detail: "The admin's endpoints are off: the service has no ADMIN_TOKEN" }))
  }
  return isAdmin(adminToken, request)
    ? Effect.void
    : Effect.fail(new Unauthorized({ detail: "The admin's token is needed: Authorization: Bearer <ADMIN_TOKEN>" }))
}
