import { createHash, timingSafeEqual } from "node:crypto"
import { Clock, Context, Effect, Layer, Option } from "effect"
import type { HttpServerRequest } from "effect/http"
import { TooManyRequests } from "../domain/Problems.ts"
import { elapsedMs } from "../Elapsed.ts"
import { Defences } from "./Defences.ts"
import { HttpSettings } from "./HttpSettings.ts"
import { makeRateLimiter } from "./RateLimiter.ts"

const digest = (text: string) => createHash("sha256").update(text).digest()

/** How often one client address may be wrong about the admin's token, whatever it asks for. */
const guesses = { votes: 20, seconds: 60 }

const tooMany = new TooManyRequests({ detail: "Too many wrong tokens from this address; try again later" })

/** A voter's token is none of the admin's, and no guess at it. */
const isJwt = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)

/** Tells the admin from others, and from those who guess. */
export class SignIns extends Context.Service<
  SignIns,
  {
    /** Whether a token that came with a request is the admin's; fails for an address that has been wrong too often. */
    isAdminToken(given: string, request: HttpServerRequest.HttpServerRequest): Effect.Effect<boolean, TooManyRequests>
    /** Whether a request carries the admin's token; fails in the same way. */
    isAdmin(request: HttpServerRequest.HttpServerRequest): Effect.Effect<boolean, TooManyRequests>
  }
>()("tallykeep/http/SignIns") {
  static readonly layer = Layer.effect(
    SignIns,
    Effect.gen(function* () {
      const { adminTokens, trustProxy } = yield* HttpSettings
      const { report } = yield* Defences
      const clock = yield* Clock.Clock
      const expected = adminTokens.map(digest)
      const limiter = makeRateLimiter(guesses, trustProxy, "guesses")

      const isAdminToken = (given: string, request: HttpServerRequest.HttpServerRequest) =>
        Effect.suspend((): Effect.Effect<boolean, TooManyRequests> => {
          if (adminTokens.length === 0 || given === "" || (isJwt(given) && !adminTokens.some(isJwt))) {
            return Effect.succeed(false)
          }
          const peer = Option.getOrElse(request.remoteAddress, () => "unknown")
          const forwarded = request.headers["x-forwarded-for"]
          const now = elapsedMs(clock)
          // Before the token is looked at: else the one answer that differs would tell it.
          if (limiter(peer, forwarded, now, "look").refusal !== undefined) {
            report("guesses", peer)
            return Effect.fail(tooMany)
          }
          // The comparison takes a time that tells nothing about the token.
          const right = expected.map((each) => timingSafeEqual(digest(given), each))
          if (right.includes(true)) return Effect.succeed(true)
          limiter(peer, forwarded, now)
          report("sign_ins", peer)
          return Effect.succeed(false)
        })

      return SignIns.of({
        isAdminToken,
        isAdmin: (request) =>
          isAdminToken(/^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "", request)
      })
    })
  )
}
