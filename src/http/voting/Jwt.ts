import { isUtf8 } from "node:buffer"
import { Predicate } from "effect"
import type { Forbidden, Unauthorized } from "../../domain/Problems.ts"
import { anotherService, expired, invalid, isAccessType, missingExpiry, noSubject, notYet } from "./TokenRefusals.ts"

/*
 * What a JSON Web Token has to be here (RFC 7519, RFC 8725), apart from its signature: the same for ours and a provider's, and
 * without promises, since it is on the way of a vote. `test/http/voting/jwt.test.ts` holds it to what jose says.
 */

/** A token in its parts, whose signature nobody has checked yet. */
export interface Jwt {
  readonly alg: string
  readonly kid: string | undefined
  /** What is signed: header and payload, as they were sent. */
  readonly signed: string
  /** In base64url, as the signature. */
  readonly payload: string
  readonly signature: string
}

/** What a token claims, of which nothing is checked yet. */
export type Claims = Readonly<Record<"aud" | "exp" | "iat" | "iss" | "nbf" | "sub", unknown>>

/** What a token's claims have to be. */
export interface Expected {
  readonly issuer: string
  readonly audience: string
  /** When it is, in s since 1970. */
  readonly now: number
  /** How far in the future it may say that it was issued, in s. */
  readonly skew: number
}

export type TokenRefusal = Unauthorized | Forbidden

interface Header {
  readonly alg: string
  readonly kid: string | undefined
}

const parseObject = (base64url: string): Readonly<Record<string, unknown>> | undefined => {
  const bytes = Buffer.from(base64url, "base64url")
  if (!isUtf8(bytes)) return undefined
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"))
    return Predicate.isReadonlyObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const parseHeader = (text: string): Header | undefined => {
  const { alg, crit, kid, typ } = parseObject(text) ?? {}
  // Nothing that a header may declare as critical is understood here.
  if (typeof alg !== "string" || crit !== undefined || !isAccessType(typ)) return undefined
  return kid === undefined || typeof kid === "string" ? { alg, kid } : undefined
}

/** Nearly all tokens of a kind have the same header: the last one is parsed once. */
let last: { readonly text: string; readonly header: Header | undefined } = { text: "", header: undefined }

/** Returns a token's parts; undefined where it is none that could be for votes. */
export const parseJwt = (token: string): Jwt | undefined => {
  const [, text = "", payload = "", signature = ""] = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(token) ?? []
  if (text !== last.text) last = { text, header: parseHeader(text) }
  const { header } = last
  return header && { ...header, payload, signature, signed: token.slice(0, text.length + 1 + payload.length) }
}

/** Returns what a token claims; undefined where that can't be read. */
export const readClaims = ({ payload }: Jwt): Claims | undefined => {
  const claims = parseObject(payload)
  if (claims === undefined) return undefined
  const { aud, exp, iat, iss, nbf, sub } = claims
  return { aud, exp, iat, iss, nbf, sub }
}

/** Returns the voter that a token stands for (`sub`), by its claims, where its signature is right; or why it can't be taken. */
export const readSubject = (
  claims: Claims | undefined,
  { audience, issuer, now, skew }: Expected
): string | TokenRefusal => {
  if (claims === undefined) return invalid
  const { aud, exp, iat, iss, nbf, sub } = claims
  if (iss === undefined || aud === undefined) return anotherService
  if (exp === undefined) return missingExpiry
  if (iss !== issuer || !(Array.isArray(aud) ? aud.includes(audience) : aud === audience)) return anotherService
  if (iat !== undefined && typeof iat !== "number") return invalid
  if (nbf !== undefined && typeof nbf !== "number") return invalid
  if (nbf !== undefined && nbf > now) return notYet
  if (typeof exp !== "number") return invalid
  if (exp <= now) return expired
  if (iat !== undefined && iat > now + skew) return notYet
  return typeof sub === "string" && sub !== "" ? sub : noSubject
}
