import { constants, KeyObject, type SigningOptions, verify } from "node:crypto"
import { createRemoteJWKSet, errors } from "jose"
import { Unavailable } from "../../domain/Problems.ts"
import type { HttpSettings } from "../HttpSettings.ts"
import { type Memory, makeMemory } from "../Memory.ts"
import { type Claims, type Jwt, readClaims, readSubject, type TokenRefusal } from "./Jwt.ts"
import { invalid } from "./TokenRefusals.ts"

/** An algorithm of signatures: its hash, and how they are made. */
interface Algorithm extends SigningOptions {
  readonly hash: string | undefined
}

const rsa = (bits: number): Algorithm => ({ hash: `sha${bits}`, padding: constants.RSA_PKCS1_PADDING })

const pss = (bits: number): Algorithm => ({
  hash: `sha${bits}`,
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: bits / 8
})

const ecdsa = (bits: number): Algorithm => ({ hash: `sha${bits}`, dsaEncoding: "ieee-p1363" })

/** By key pairs only, so that a provider's public keys can't be taken for secrets. */
const algorithms: ReadonlyMap<string, Algorithm> = new Map([
  ["RS256", rsa(256)],
  ["RS384", rsa(384)],
  ["RS512", rsa(512)],
  ["PS256", pss(256)],
  ["PS384", pss(384)],
  ["PS512", pss(512)],
  ["ES256", ecdsa(256)],
  ["ES384", ecdsa(384)],
  ["ES512", ecdsa(512)],
  ["EdDSA", { hash: undefined }]
])

/** RSA keys of fewer bits are no protection (RFC 7518, 3.3). */
const fewestBits = 2048

/** A key of the provider's, and what is known of the tokens that it has signed: both are gone when the provider shows it no longer. */
interface KnownKey {
  readonly key: KeyObject
  readonly signed: Memory<Claims>
}

/** How far a provider's clock may be ahead of ours, in s. */
const skew = 60

/**
 * How long after the provider's keys were had they are not asked for again, in ms, whatever key a token names: anyone can name any. For as
 * long may a key that the provider has just begun to use be unknown, and the tokens with it refused.
 */
const cooldown = 5_000

/**
 * Checks the tokens of an identity provider. Its keys, and which of them a token is signed with, are jose's matter, which asks the
 * provider for them anew: after ten minutes, and for a key that it does not know. The signature is checked here and now: to
 * have another thread do it takes an api longer than the signature does.
 */
export interface ProviderTokens {
  /** Returns the voter that a token stands for: its issuer and `sub`. */
  verify(token: Jwt): Promise<string | TokenRefusal | Unavailable>
}

type Options = Pick<HttpSettings["Service"], "jwksUrl" | "jwtIssuer" | "jwtAudience">

/** Makes the check, by the wall clock; without all three settings, no token is valid. */
export const makeProviderTokens = ({ jwksUrl, jwtAudience, jwtIssuer }: Options): ProviderTokens => {
  if (jwksUrl === undefined || jwtIssuer === undefined || jwtAudience === undefined) {
    return { verify: async () => invalid }
  }
  const find = createRemoteJWKSet(new URL(jwksUrl), { cooldownDuration: cooldown })
  /** What jose finds is the same object each time, and for each algorithm another one. */
  const keys = new WeakMap<object, KnownKey>()
  const keyFor = async ({ alg, kid }: Jwt, options: SigningOptions): Promise<KnownKey> => {
    const found = await find(kid === undefined ? { alg } : { alg, kid })
    const made = keys.get(found) ?? { key: makeKey(KeyObject.from(found), options), signed: makeMemory() }
    keys.set(found, made)
    return made
  }
  return {
    verify: async (token) => {
      const algorithm = algorithms.get(token.alg)
      if (algorithm === undefined) return invalid
      const { hash, ...options } = algorithm
      let claims: Claims | undefined
      try {
        const { key, signed } = await keyFor(token, options)
        claims = signed(`${token.signed}.${token.signature}`, () =>
          verify(hash, Buffer.from(token.signed), key, Buffer.from(token.signature, "base64url"))
            ? readClaims(token)
            : undefined
        )
      } catch (error) {
        return isOutage(error) ? away : invalid
      }
      const subject = readSubject(claims, {
        issuer: jwtIssuer,
        audience: jwtAudience,
        now: Math.floor(Date.now() / 1000),
        skew
      })
      // One provider's `alice` is not another's. An issuer has no line break in it.
      return typeof subject === "string" ? `${jwtIssuer}\n${subject}` : subject
    }
  }
}

/**
 * Makes a key that says itself how its signatures are made, as the object may that Node takes with a key: to make sure that such an
 * object is no key, Node 24 takes two thirds as long as for an RSA signature.
 */
const makeKey = (key: KeyObject, options: SigningOptions): KeyObject => {
  const { modulusLength = fewestBits } = key.asymmetricKeyDetails ?? {}
  if (modulusLength < fewestBits) throw new Error("The key is too short")
  return Object.assign(key, options)
}

const away = new Unavailable({ detail: "The identity provider does not answer" })

/** Whether jose or `fetch` says that the provider's keys could not be had. */
const isOutage = (error: unknown): boolean =>
  error instanceof errors.JWKSTimeout ||
  error instanceof errors.JWKSInvalid ||
  (error instanceof errors.JOSEError && error.code === "ERR_JOSE_GENERIC") ||
  (error instanceof TypeError && error.message === "fetch failed")
