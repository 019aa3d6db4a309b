import { createHmac, randomUUID, timingSafeEqual } from "node:crypto"
import { Clock, Context, Effect, Layer } from "effect"
import type { HttpServerRequest } from "effect/http"
import type { Poll } from "../../domain/Poll.ts"
import { Forbidden, type Unauthorized, type Unavailable } from "../../domain/Problems.ts"
import { HttpSettings } from "../HttpSettings.ts"

/** A voter: the keyed hash that the ledger keeps, and the cookie to set where the browser has none yet. */
export interface Voter {
  readonly hash: string
  readonly setCookie?: string
}

/** Returns the header that sets a voter's cookie, where the browser had none. */
export const setCookie = (voter: Voter | undefined): Readonly<Record<string, string>> =>
  voter?.setCookie === undefined ? {} : { "set-cookie": voter.setCookie }

export const cookieName = "tallykeep_voter"

/** A year, in s. */
const cookieAge = 31_536_000

/** Finds out who a request comes from, by the poll's identity rule. */
export class Voters extends Context.Service<
  Voters,
  {
    /**
     * Returns the voter; undefined in a poll for anyone. `key` is the request's idempotency key: a browser without a cookie
     * gets the same identity each time it sends the key, so that a vote that is sent again stays one vote.
     */
    identify(
      poll: Poll,
      request: HttpServerRequest.HttpServerRequest,
      key?: string
    ): Effect.Effect<Voter | undefined, Unauthorized | Forbidden | Unavailable>
    /** Returns `count` signed tokens, each for one voter of the poll. */
    issueTokens(poll: Poll, count: number): Effect.Effect<ReadonlyArray<string>, Forbidden>
  }
>()("tallykeep/http/voting/Voters") {
  static readonly layer = Layer.effect(
    Voters,
    Effect.gen(function* () {
      const settings = yield* HttpSettings
      const { production, voterSecret } = settings
      // Loaded with the first vote that has a token: most starts need not wait for it.
      const tokens = yield* Effect.cached(
        Effect.promise(() => import("./VoterTokens.ts")).pipe(Effect.map(({ makeTokens }) => makeTokens(settings)))
      )

      const digest = (use: string, text: string): string =>
        createHmac("sha256", voterSecret ?? "")
          .update(`${use}\n${text}`)
          .digest("base64url")
          .slice(0, 22)

      /** Not even a peer that has the ledger can tell who a hash belongs to, nor match two polls' voters. */
      const hashOf = (poll: Poll, identity: string) => digest("voter", `${poll.slug}\n${identity}`)

      const fromCookie = (cookie: string | undefined): string | undefined => {
        const [id = "", signature = ""] = (cookie ?? "").split(".")
        const expected = Buffer.from(digest("cookie", id))
        const given = Buffer.from(signature)
        return id !== "" && given.length === expected.length && timingSafeEqual(given, expected) ? id : undefined
      }

      const identify = Effect.fnUntraced(function* (
        poll: Poll,
        request: HttpServerRequest.HttpServerRequest,
        key?: string
      ): Effect.fn.Return<Voter | undefined, Unauthorized | Forbidden | Unavailable> {
        if (poll.identity === "anyone") return undefined
        if (voterSecret === undefined) return yield* noSecret
        if (poll.identity === "token") {
          const subject = yield* (yield* tokens).verify(poll, request.headers.authorization)
          return { hash: hashOf(poll, subject) }
        }
        const known = fromCookie(request.cookies[cookieName])
        if (known !== undefined) return { hash: hashOf(poll, known) }
        const id = key === undefined ? randomUUID() : digest("identity", `${poll.slug}\n${key}`)
        const attributes = `Path=/; Max-Age=${cookieAge}; HttpOnly; SameSite=Lax${production ? "; Secure" : ""}`
        return { hash: hashOf(poll, id), setCookie: `${cookieName}=${id}.${digest("cookie", id)}; ${attributes}` }
      })

      const issueTokens = Effect.fn("Voters.issueTokens")((poll: Poll, count: number) =>
        poll.identity !== "token"
          ? Effect.fail(new Forbidden({ detail: "The poll's voters need no tokens" }))
          : Effect.flatMap(Effect.zip(tokens, Clock.currentTimeMillis), ([issuer, now]) =>
              issuer.issue(poll, count, now)
            )
      )

      return Voters.of({ identify, issueTokens })
    })
  )
}

export const noSecret = new Forbidden({ detail: "This service has no VOTER_SECRET, which polls with voters need" })
