import { createHash, timingSafeEqual } from "node:crypto"
import type { HttpServerRequest } from "effect/http"

const digest = (text: string) => createHash("sha256").update(text).digest()

/** Whether a token is the admin's; the comparison takes a time that tells nothing about it. */
export const isAdminToken = (adminToken: string, given: string): boolean =>
  timingSafeEqual(digest(given), digest(adminToken))

/** Whether a request carries the admin's token. */
export const isAdmin = (adminToken: string | undefined, request: HttpServerRequest.HttpServerRequest): boolean => {
  const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1]
  return adminToken !== undefined && given !== undefined && isAdminToken(adminToken, given)
}
