import { Effect } from "effect"
import { createRemoteJWKSet, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose"
import { type Forbidden, type Unauthorized, Unavailable } from "../../domain/Problems.ts"
import type { HttpSettings } from "../HttpSettings.ts"
import { anotherService, expired, invalid, isAccessType, missingExpiry, noSubject, notYet } from "./TokenRefusals.ts"

/** The signatures of a provider's tokens: by key pairs only, so that its public keys can't be taken for secrets. */
const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]

/** How far a provider's clock may be ahead of ours, in s. */
const skew = 60

/** Returns the voter that a provider's token stands for: its `sub`, with its issuer. It holds by the wall clock. */
export type ProviderTokens = (token: string) => Effect.Effect<string, Unauthorized | Forbidden | Unavailable>

type Options = Pick<HttpSettings["Service"], "jwksUrl" | "jwtIssuer" | "jwtAudience">

/** Makes the check of a provider's tokens, for which all three settings are needed. */
export const makeProviderTokens = ({ jwksUrl, jwtAudience, jwtIssuer }: Options): ProviderTokens => {
  if (jwksUrl === undefined || jwtIssuer === undefined || jwtAudience === undefined) return () => Effect.fail(invalid)
  const keys = createRemoteJWKSet(new URL(jwksUrl))
  const expected = { issuer: jwtIssuer, audience: jwtAudience, algorithms, requiredClaims: ["exp"] }

  const check = async (token: string): Promise<JWTPayload> => {
    if (!isAccessType(decodeProtectedHeader(token).typ)) throw new errors.JWTInvalid("not for votes")
    const { payload } = await jwtVerify(token, keys, expected)
    if (payload.iat !== undefined && payload.iat > Date.now() / 1000 + skew) {
      throw new errors.JWTClaimValidationFailed("issued in the future", payload, "iat", "check_failed")
    }
    return payload
  }

  return (token) =>
    Effect.flatMap(Effect.tryPromise({ try: () => check(token), catch: refusal }), ({ iss, sub }) =>
      // One provider's `alice` is not another's. An issuer has no line break in it.
      typeof sub === "string" && sub !== "" ? Effect.succeed(`${iss}\n${sub}`) : Effect.fail(noSubject)
    )
}

/** What is wrong with a claim. */
const wrongClaims: Readonly<Record<string, Unauthorized | Forbidden>> = {
  exp: missingExpiry,
  nbf: notYet,
  iat: notYet,
  iss: anotherService,
  aud: anotherService
}

const refusal = (error: unknown): Unauthorized | Forbidden | Unavailable => {
  if (error instanceof errors.JWTExpired) return expired
  if (error instanceof errors.JWTClaimValidationFailed) {
    return (error.reason === "invalid" ? undefined : wrongClaims[error.claim]) ?? invalid
  }
  return isOutage(error) ? new Unavailable({ detail: "The identity provider does not answer" }) : invalid
}

/** Whether jose or `fetch` says that the provider's keys could not be had. */
const isOutage = (error: unknown): boolean =>
  error instanceof errors.JWKSTimeout ||
  error instanceof errors.JWKSInvalid ||
  (error instanceof errors.JOSEError && error.code === "ERR_JOSE_GENERIC") ||
  (error instanceof TypeError && error.message === "fetch failed")
