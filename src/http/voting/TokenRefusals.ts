import { Forbidden, Unauthorized } from "../../domain/Problems.ts"

// Why a voter's token is refused, whoever made it. Of most that can be wrong with one, nothing is told.

export const missing = new Unauthorized({ detail: "This poll needs a voter's token: Authorization: Bearer <token>" })

export const invalid = Unauthorized.invalidToken("The token is not valid")

export const expired = Unauthorized.invalidToken("The token has expired")

export const notYet = Unauthorized.invalidToken("The token does not hold yet")

export const missingExpiry = Unauthorized.invalidToken("The token does not say until when it holds (exp)")

export const noSubject = Unauthorized.invalidToken("The token names no voter (sub)")

export const anotherService = new Forbidden({ detail: "The token is for another poll or service" })

/**
 * Whether a token's `typ` is that of an access token (RFC 9068) or leaves open what it is, as most do. Providers sign other
 * things too (notices of logouts, proofs of possession), each with a `typ` of its own (RFC 8725, 3.11). What `typ` leaves open
 * is told by the audience, which of an ID token is the site that its user signed in at.
 */
export const isAccessType = (typ: unknown = "JWT"): boolean =>
  typeof typ === "string" && ["jwt", "at+jwt"].includes(typ.toLowerCase().replace(/^application\//, ""))
