import { createHmac, randomUUID } from "node:crypto"
import { Effect } from "effect"
import type { Poll } from "../../domain/Poll.ts"
import { Forbidden } from "../../domain/Problems.ts"
import { makeMemory } from "../Memory.ts"
import { type Claims, parseJwt, readClaims, readSubject, type TokenRefusal } from "./Jwt.ts"
import { isSigned, makeSign } from "./Signatures.ts"

/** `aud` is the poll, `sub` the voter. */
const issuer = "tallykeep"
const algorithm = "HS256"

/**
 * How long a token holds after the closing time that its poll has when it is made, in s, or from then where the poll has none. No
 * vote is taken after the closing; but that may be moved, and a vote that is sent again with its key is still answered.
 */
const lasts = 90 * 86_400
/** How many tokens are made before others have their turn. */
const slice = 100

/** The tokens that we sign ourselves: JWTs (RFC 7519), by HS256. */
export interface OwnTokens {
  /** Returns the voter that a token stands for in the poll, or why it stands for none. */
  verify(poll: Poll, token: string): string | TokenRefusal
  issue(poll: Poll, count: number): Effect.Effect<ReadonlyArray<string>, Forbidden>
}

/** Makes and checks our own tokens; the first secret signs, any of them checks. They hold by `now`, which polls close by, in ms since 1970. */
export const makeOwnTokens = (voterSecrets: ReadonlyArray<string>, now: () => number): OwnTokens => {
  const signers = voterSecrets.map((secret) => makeSign(createHmac("sha256", secret).update("token").digest()))
  const [sign] = signers
  const seconds = () => Math.floor(now() / 1000)
  const known = makeMemory<Claims>()
  // All of it is known at once: a token that comes again is not even parsed.
  const claimsOf = (text: string): Claims | undefined =>
    known(`token ${text}`, () => {
      const token = parseJwt(text)
      return token?.alg === algorithm && isSigned(token.signed, token.signature, signers)
        ? readClaims(token)
        : undefined
    })
  return {
    verify: ({ slug }, token) =>
      readSubject(claimsOf(token), {
        issuer,
        audience: slug,
        now: seconds(),
        skew: Number.POSITIVE_INFINITY
      }),
    issue: Effect.fnUntraced(function* ({ closesMs, slug }, count) {
      if (sign === undefined) {
        return yield* new Forbidden({ detail: "This service has no VOTER_SECRET, which voters' tokens need" })
      }
      const iat = seconds()
      const exp = lasts + (closesMs === undefined ? iat : Math.ceil(closesMs / 1000))
      const tokens: Array<string> = []
      while (tokens.length < count) {
        const signed = `${header}.${encode({ iss: issuer, aud: slug, sub: randomUUID(), iat, exp })}`
        tokens.push(`${signed}.${sign(signed)}`)
        if (tokens.length % slice === 0) yield* Effect.yieldNow
      }
      return tokens
    })
  }
}

const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString("base64url")

const header = encode({ alg: algorithm })
