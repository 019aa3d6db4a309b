import { createHmac, randomUUID } from "node:crypto"
import { Effect } from "effect"
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify, SignJWT } from "jose"
import type { Poll } from "../../domain/Poll.ts"
import { Forbidden, Unauthorized, Unavailable } from "../../domain/Problems.ts"
import type { HttpSettings } from "../HttpSettings.ts"

/** The signature of our own tokens; `aud` is the poll, `sub` the voter. */
const issuer = "tallykeep"
const algorithm = "HS256"

/** How long a token holds in a poll without a closing time, in s. */
const openEnded = 90 * 86_400
/** For how long it holds after the closing time, in s: a vote that is sent again with its key is still answered. */
const afterClosing = 86_400

export interface VoterTokens {
  /** Returns the voter that an `Authorization` header's token stands for in the poll. */
  verify(poll: Poll, authorization: string | undefined): Effect.Effect<string, Unauthorized | Forbidden | Unavailable>
  issue(poll: Poll, count: number, now: number): Effect.Effect<ReadonlyArray<string>, Forbidden>
}

type Options = Pick<HttpSettings["Service"], "voterSecret" | "jwksUrl" | "jwtIssuer" | "jwtAudience">

/** Handles our own tokens and, where a `JWKS_URL` is set, those of an identity provider, whose `sub` is the voter. */
export const makeTokens = ({ jwksUrl, jwtAudience, jwtIssuer, voterSecret }: Options): VoterTokens => {
  const own = voterSecret === undefined ? undefined : createHmac("sha256", voterSecret).update("token").digest()
  const provider = jwksUrl === undefined ? undefined : createRemoteJWKSet(new URL(jwksUrl))

  const check = async (poll: Poll, token: string): Promise<JWTPayload> => {
    const [head = ""] = token.split(".")
    const { alg } = JSON.parse(Buffer.from(head, "base64url").toString("utf8")) as { readonly alg?: unknown }
    if (own !== undefined && alg === algorithm) {
      return (await jwtVerify(token, own, { issuer, audience: poll.slug, algorithms: [algorithm] })).payload
    }
    if (provider === undefined) throw new errors.JOSEAlgNotAllowed("not one of ours")
    const options = {
      ...(jwtIssuer === undefined ? {} : { issuer: jwtIssuer }),
      ...(jwtAudience === undefined ? {} : { audience: jwtAudience }),
      algorithms: ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
    }
    return (await jwtVerify(token, provider, options)).payload
  }

  return {
    verify: (poll, authorization) => {
      const token = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization ?? "")?.[1]
      if (token === undefined) {
        return Effect.fail(
          new Unauthorized({ detail: "This poll needs a voter's token: Authorization: Bearer <token>" })
        )
      }
      return Effect.tryPromise({ try: () => check(poll, token), catch: refusal }).pipe(
        Effect.flatMap(({ sub }) =>
          typeof sub === "string" && sub !== ""
            ? Effect.succeed(sub)
            : Effect.fail(new Unauthorized({ detail: "The token names no voter (sub)" }))
        )
      )
    },
    issue: (poll, count, now) => {
      if (own === undefined) {
        return Effect.fail(new Forbidden({ detail: "This service has no VOTER_SECRET, which voters' tokens need" }))
      }
      const seconds = Math.floor(now / 1000)
      const expires = poll.closesMs === undefined ? seconds + openEnded : Math.ceil(poll.closesMs / 1000) + afterClosing
      const sign = () =>
        new SignJWT()
          .setProtectedHeader({ alg: algorithm })
          .setIssuer(issuer)
          .setAudience(poll.slug)
          .setSubject(randomUUID())
          .setIssuedAt(seconds)
          .setExpirationTime(expires)
          .sign(own)
      return Effect.promise(() => Promise.all(Array.from({ length: count }, sign)))
    }
  }
}

const refusal = (error: unknown): Unauthorized | Forbidden | Unavailable => {
  if (error instanceof errors.JWTExpired) return new Unauthorized({ detail: "The token has expired" })
  if (error instanceof errors.JWTClaimValidationFailed) {
    return error.claim === "nbf"
      ? new Unauthorized({ detail: "The token does not hold yet" })
      : new Forbidden({ detail: "The token is for another poll or service" })
  }
  return isOutage(error)
    ? new Unavailable({ detail: "The identity provider does not answer" })
    : new Unauthorized({ detail: "The token is not valid" })
}

/** Whether jose or `fetch` says that the provider's keys could not be had. */
const isOutage = (error: unknown): boolean =>
  error instanceof errors.JWKSTimeout ||
  error instanceof errors.JWKSInvalid ||
  (error instanceof errors.JOSEError && error.code === "ERR_JOSE_GENERIC") ||
  (error instanceof TypeError && error.message === "fetch failed")
