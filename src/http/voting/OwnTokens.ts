import { createHmac, randomUUID, timingSafeEqual } from "node:crypto"
import { Effect, Predicate } from "effect"
import type { Poll } from "../../domain/Poll.ts"
import { Forbidden, type Unauthorized } from "../../domain/Problems.ts"
import { anotherService, expired, invalid, isAccessType, missingExpiry, noSubject, notYet } from "./TokenRefusals.ts"

/** `aud` is the poll, `sub` the voter. */
const issuer = "tallykeep"

/** How long a token holds in a poll without a closing time, in s. */
const openEnded = 90 * 86_400
/** For how long it holds after the closing time, in s: a vote that is sent again with its key is still answered. */
const afterClosing = 86_400
/** How many tokens are made before others have their turn. */
const slice = 100

/** The tokens that we sign ourselves: JWTs (RFC 7519), by HS256. */
export interface OwnTokens {
  /** Returns the voter that a token stands for in the poll, or why it stands for none. */
  verify(poll: Poll, token: string): string | Unauthorized | Forbidden
  issue(poll: Poll, count: number): Effect.Effect<ReadonlyArray<string>, Forbidden>
}

/** Makes and checks our own tokens; the first secret signs, any of them checks. They hold by `now`, which polls close by, in ms since 1970. */
export const makeOwnTokens = (voterSecrets: ReadonlyArray<string>, now: () => number): OwnTokens => {
  const signatures = voterSecrets.map((secret) => {
    const key = createHmac("sha256", secret).update("token").digest()
    return (signed: string) => createHmac("sha256", key).update(signed).digest("base64url")
  })
  const [sign] = signatures

  const isSigned = (signed: string, signature: string): boolean => {
    const given = Buffer.from(signature)
    return signatures.some((signatureOf) => {
      const expected = Buffer.from(signatureOf(signed))
      return given.length === expected.length && timingSafeEqual(given, expected)
    })
  }

  return {
    verify: ({ slug }, token) => {
      const [header = "", payload = "", signature = "", ...rest] = token.split(".")
      if (rest.length > 0 || !isSigned(`${header}.${payload}`, signature)) return invalid
      if (header !== usualHeader && !isOurHeader(parse(header))) return invalid
      const claims = parse(payload)
      return Predicate.isReadonlyObject(claims) ? voterIn(claims, slug, Math.floor(now() / 1000)) : invalid
    },
    issue: Effect.fnUntraced(function* ({ closesMs, slug }, count) {
      if (sign === undefined) {
        return yield* new Forbidden({ detail: "This service has no VOTER_SECRET, which voters' tokens need" })
      }
      const iat = Math.floor(now() / 1000)
      const exp = closesMs === undefined ? iat + openEnded : Math.ceil(closesMs / 1000) + afterClosing
      const tokens: Array<string> = []
      while (tokens.length < count) {
        const signed = `${usualHeader}.${encode({ iss: issuer, aud: slug, sub: randomUUID(), iat, exp })}`
        tokens.push(`${signed}.${sign(signed)}`)
        if (tokens.length % slice === 0) yield* Effect.yieldNow
      }
      return tokens
    })
  }
}

const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString("base64url")

const parse = (part: string): unknown => {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString())
  } catch {
    return undefined
  }
}

/** That of the tokens that we make; others may hold our secret, and write theirs in another way. */
const usualHeader = encode({ alg: "HS256" })

/** Extensions that must be understood (`crit`) are not. */
const isOurHeader = (header: unknown): boolean =>
  Predicate.isReadonlyObject(header) && header.alg === "HS256" && header.crit === undefined && isAccessType(header.typ)

type Claims = Readonly<Record<PropertyKey, unknown>>

/** Returns the voter of a token with such claims, or what is wrong with them, at a time in s since 1970. */
const voterIn = ({ aud, exp, iat, iss, nbf, sub }: Claims, poll: string, now: number) => {
  if (iss === undefined || aud === undefined) return anotherService
  if (exp === undefined) return missingExpiry
  if (iss !== issuer || !(Array.isArray(aud) ? aud.includes(poll) : aud === poll)) return anotherService
  for (const time of [iat, nbf]) if (time !== undefined && typeof time !== "number") return invalid
  if (typeof nbf === "number" && nbf > now) return notYet
  if (typeof exp !== "number") return invalid
  if (exp <= now) return expired
  return typeof sub === "string" && sub !== "" ? sub : noSubject
}
