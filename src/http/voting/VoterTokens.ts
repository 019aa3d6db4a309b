import { createHmac, randomUUID } from "node:crypto"
import { Effect } from "effect"
import {
  createRemoteJWKSet,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyOptions,
  type JWTVerifyResult,
  jwtVerify,
  SignJWT
} from "jose"
import type { Poll } from "../../domain/Poll.ts"
import { Forbidden, Unauthorized, Unavailable } from "../../domain/Problems.ts"
import type { HttpSettings } from "../HttpSettings.ts"

/** The signature of our own tokens; `aud` is the poll, `sub` the voter. */
const issuer = "tallykeep"
const algorithm = "HS256"

/** The signatures of a provider's tokens: by key pairs only, so that its public keys can't be taken for secrets. */
const providerAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]

/** How long a token holds in a poll without a closing time, in s. */
const openEnded = 90 * 86_400
/** For how long it holds after the closing time, in s: a vote that is sent again with its key is still answered. */
const afterClosing = 86_400
/** How many tokens are begun before others have their turn. */
const slice = 100
/** How far a provider's clock may be ahead of ours, in s. */
const skew = 60

export interface VoterTokens {
  /**
   * Returns the voter that an `Authorization` header's token stands for in the poll: the `sub` of one of ours where its
   * identity is `token`, and of a provider's, with its issuer, where it is `provider`.
   */
  verify(poll: Poll, authorization: string | undefined): Effect.Effect<string, Unauthorized | Forbidden | Unavailable>
  issue(poll: Poll, count: number): Effect.Effect<ReadonlyArray<string>, Forbidden>
}

type Options = Pick<HttpSettings["Service"], "voterSecrets" | "jwksUrl" | "jwtIssuer" | "jwtAudience">

/** Returns what a token says whose signature and claims are right; fails with an error of jose, or of `fetch`. */
type Check = (token: string, poll: Poll) => Promise<JWTPayload>

/**
 * Handles our own tokens and, where there is an identity provider, those of it. Our own hold by `now`, which polls close by, in ms
 * since 1970; a provider's by the wall clock.
 */
export const makeTokens = (options: Options, now: () => number): VoterTokens => {
  const own = options.voterSecrets.map(ownKey)
  const [signing] = own
  const checkOwn: Check = async (token, { slug }) => {
    const expected = { issuer, audience: slug, algorithms: [algorithm], requiredClaims: ["exp"] }
    return (await verifyWithOne(token, own, { ...expected, currentDate: new Date(now()) })).payload
  }
  const provider = makeProviderCheck(options)

  const check = async (poll: Poll, token: string): Promise<string> => {
    const checkToken = poll.identity === "provider" ? provider : checkOwn
    if (checkToken === undefined || !isAccessToken(token)) throw new errors.JWTInvalid("not for votes")
    const { iss, sub } = await checkToken(token, poll)
    if (typeof sub !== "string" || sub === "") throw new errors.JWTInvalid(noSubject)
    // One provider's `alice` is not another's. An issuer has no line break in it.
    return poll.identity === "provider" ? `${iss}\n${sub}` : sub
  }

  return {
    verify: (poll, authorization) => {
      const given = /^Bearer +(\S.*)$/i.exec(authorization ?? "")?.[1]
      if (given === undefined) return Effect.fail(missing)
      return /^[\w.~+/=-]+$/.test(given)
        ? Effect.tryPromise({ try: () => check(poll, given), catch: refusal })
        : Effect.fail(invalid)
    },
    issue: (poll, count) => {
      if (signing === undefined) {
        return Effect.fail(new Forbidden({ detail: "This service has no VOTER_SECRET, which voters' tokens need" }))
      }
      const seconds = Math.floor(now() / 1000)
      const expires = poll.closesMs === undefined ? seconds + openEnded : Math.ceil(poll.closesMs / 1000) + afterClosing
      const sign = () =>
        new SignJWT()
          .setProtectedHeader({ alg: algorithm })
          .setIssuer(issuer)
          .setAudience(poll.slug)
          .setSubject(randomUUID())
          .setIssuedAt(seconds)
          .setExpirationTime(expires)
          .sign(signing)
      return Effect.promise(async () => {
        const tokens: Array<string> = []
        while (tokens.length < count) {
          const length = Math.min(slice, count - tokens.length)
          tokens.push(...(await Promise.all(Array.from({ length }, sign))))
        }
        return tokens
      })
    }
  }
}

const ownKey = (voterSecret: string): Uint8Array => createHmac("sha256", voterSecret).update("token").digest()

/** Checks a token that one of the keys has signed; what else is wrong with it is told by the one that did. */
const verifyWithOne = async (
  token: string,
  [key, ...others]: ReadonlyArray<Uint8Array>,
  options: JWTVerifyOptions
): Promise<JWTVerifyResult> => {
  if (key === undefined) throw new errors.JWSSignatureVerificationFailed()
  try {
    return await jwtVerify(token, key, options)
  } catch (error) {
    if (others.length === 0 || !(error instanceof errors.JWSSignatureVerificationFailed)) throw error
    return verifyWithOne(token, others, options)
  }
}

/** Makes the check of a provider's tokens, for which all three settings are needed. */
const makeProviderCheck = ({ jwksUrl, jwtAudience, jwtIssuer }: Options): Check | undefined => {
  if (jwksUrl === undefined || jwtIssuer === undefined || jwtAudience === undefined) return undefined
  const keys = createRemoteJWKSet(new URL(jwksUrl))
  const expected = {
    issuer: jwtIssuer,
    audience: jwtAudience,
    algorithms: providerAlgorithms,
    requiredClaims: ["exp"]
  }
  return async (token) => {
    const { payload } = await jwtVerify(token, keys, expected)
    if (payload.iat !== undefined && payload.iat > Date.now() / 1000 + skew) {
      throw new errors.JWTClaimValidationFailed("issued in the future", payload, "iat", "check_failed")
    }
    return payload
  }
}

/**
 * Whether a token's `typ` is that of an access token (RFC 9068) or leaves open what it is, as most do. Providers sign other
 * things too (notices of logouts, proofs of possession), each with a `typ` of its own (RFC 8725, 3.11). What `typ` leaves open
 * is told by the audience, which of an ID token is the site that its user signed in at.
 */
const isAccessToken = (token: string): boolean => {
  const { typ = "JWT" }: { readonly typ?: unknown } = decodeProtectedHeader(token)
  return typeof typ === "string" && ["jwt", "at+jwt"].includes(typ.toLowerCase().replace(/^application\//, ""))
}

const noSubject = "The token names no voter (sub)"

/** What is wrong with a claim; of the others, nothing is told. */
const wrongClaims: Readonly<Record<string, Unauthorized | Forbidden>> = {
  exp: Unauthorized.invalidToken("The token does not say until when it holds (exp)"),
  nbf: Unauthorized.invalidToken("The token does not hold yet"),
  iat: Unauthorized.invalidToken("The token does not hold yet"),
  iss: new Forbidden({ detail: "The token is for another poll or service" }),
  aud: new Forbidden({ detail: "The token is for another poll or service" })
}

const missing = new Unauthorized({ detail: "This poll needs a voter's token: Authorization: Bearer <token>" })

const invalid = Unauthorized.invalidToken("The token is not valid")

const refusal = (error: unknown): Unauthorized | Forbidden | Unavailable => {
  if (error instanceof errors.JWTExpired) return Unauthorized.invalidToken("The token has expired")
  if (error instanceof errors.JWTClaimValidationFailed) {
    return (error.reason === "invalid" ? undefined : wrongClaims[error.claim]) ?? invalid
  }
  if (error instanceof errors.JWTInvalid && error.message === noSubject) return Unauthorized.invalidToken(noSubject)
  return isOutage(error) ? new Unavailable({ detail: "The identity provider does not answer" }) : invalid
}

/** Whether jose or `fetch` says that the provider's keys could not be had. */
const isOutage = (error: unknown): boolean =>
  error instanceof errors.JWKSTimeout ||
  error instanceof errors.JWKSInvalid ||
  (error instanceof errors.JOSEError && error.code === "ERR_JOSE_GENERIC") ||
  (error instanceof TypeError && error.message === "fetch failed")
