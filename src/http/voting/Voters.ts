import { Context, Effect, Layer } from "effect"
import type { Poll } from "../../domain/Poll.ts"
import { Forbidden, TooManyRequests, type Unauthorized, type Unavailable } from "../../domain/Problems.ts"
import { VoteStream } from "../../stream/VoteStream.ts"
import { Defences } from "../Defences.ts"
import { HttpSettings } from "../HttpSettings.ts"
import { makeMemory } from "../Memory.ts"
import { makeBrowserVoters } from "./BrowserVoters.ts"
import { parseJwt } from "./Jwt.ts"
import { missingFor } from "./MissingFor.ts"
import { makeOwnTokens } from "./OwnTokens.ts"
import type { Sender } from "./Sender.ts"
import { makeSign } from "./Signatures.ts"
import { invalid, missing } from "./TokenRefusals.ts"

/** A voter: the keyed hash that the ledger keeps, and the cookie to set where nothing else would know it again. */
export interface Voter {
  readonly hash: string
  readonly setCookie?: string
}

/** The reader of a page, in a poll where a browser is a voter. */
export interface Reader {
  /** What the page knows its voter by: it tells neither the cookie nor the ledger's hash. */
  readonly name: string
  readonly setCookie?: string
}

/** Returns the header that sets a voter's cookie, where there is one to set. */
export const setCookie = (voter: Pick<Voter, "setCookie"> | undefined): Readonly<Record<string, string>> =>
  voter?.setCookie === undefined ? {} : { "set-cookie": voter.setCookie }

/** Why what a request shows of its voter is not taken. */
type Refusal = Unauthorized | Forbidden | Unavailable

/** The identity that a request shows of its voter; undefined where it shows none. */
type Shown = string | undefined | Refusal

/** Why a request has no voter. */
export type Unidentified = Refusal | TooManyRequests

/** Finds out who a request comes from, by the poll's identity rule. */
export class Voters extends Context.Service<
  Voters,
  {
    /**
     * Returns who votes; undefined in a poll for anyone. A browser without a cookie is a new voter, as far as its address may
     * have more. With `key`, the request's idempotency key, it is the same one each time, so that a vote that is sent again
     * stays one vote; it gets no cookie, which would be there for whoever learns the key.
     */
    identify(poll: Poll, request: Sender, key: string | undefined): Effect.Effect<Voter | undefined, Unidentified>
    /** Returns who reads, where that is a voter that is known; undefined where nobody is. */
    recall(poll: Poll, request: Sender): Effect.Effect<Voter | undefined, Refusal>
    /**
     * Returns a page's reader, in a poll where a browser is a voter. One without a cookie becomes one where it is `welcome`, as far
     * as its address may have more; else undefined.
     */
    greet(poll: Poll, request: Sender, welcome: boolean): Reader | undefined
    /** Returns `count` signed tokens, each for one voter of the poll. */
    issueTokens(poll: Poll, count: number): Effect.Effect<ReadonlyArray<string>, Forbidden>
  }
>()("tallykeep/http/voting/Voters") {
  static readonly layer = Layer.effect(
    Voters,
    Effect.gen(function* () {
      const settings = yield* HttpSettings
      const { voterSecrets } = settings
      const { report } = yield* Defences
      const stream = yield* VoteStream
      const ownTokens = makeOwnTokens(voterSecrets, stream.now)
      // Loaded with the first vote that has such a token: most starts need not wait for it.
      const providerTokens = yield* Effect.cached(
        Effect.promise(() => import("./ProviderTokens.ts")).pipe(
          Effect.map(({ makeProviderTokens }) => makeProviderTokens(settings))
        )
      )

      const digestWith = (secret: string) => {
        const sign = makeSign(secret)
        return (text: string) => sign(text).slice(0, 22)
      }
      const digests = voterSecrets.map(digestWith)
      /**
       * With the last secret, the one from before a change: an identity that nobody signs, such as a provider's user, has the
       * same hash whichever signs by now.
       */
      const digest = digests.at(-1) ?? digestWith("")

      /** Not even a peer that has the ledger can tell who a hash belongs to, nor match two polls' voters. */
      const hashOf = (poll: Poll, identity: string) => digest(`voter\n${poll.slug}\n${identity}`)
      const hashes = makeMemory<string>()
      /**
       * The same of one who shows who it is, and so may vote again. Where each votes once, remembering costs more than it spares; and a
       * provider's names for its users may all end alike, where ids of ours are random.
       */
      const knownHashOf = (poll: Poll, identity: string): string => {
        if (poll.ballot === "once" || poll.identity === "provider") return hashOf(poll, identity)
        const text = `${poll.slug}\n${identity}`
        return hashes(text, () => digest(`voter\n${text}`))
      }

      const browsers = yield* makeBrowserVoters(digests.map((sign) => (id) => sign(`cookie\n${id}`)))

      const nameOf = (poll: Poll, id: string) => digest(`page\n${poll.slug}\n${id}`)

      /**
       * Goes on with the identity that a request shows; here and now, unless that takes a provider's keys: each step on the way of a vote
       * costs it something.
       */
      const withIdentity = <A, E>(
        poll: Poll,
        request: Sender,
        next: (shown: Shown) => Effect.Effect<A, E>
      ): Effect.Effect<A, E> => {
        const lacking = missingFor(poll, settings)
        if (lacking !== undefined) return next(lacking)
        if (poll.identity === "browser") return next(browsers.idIn(request))
        const given = /^Bearer +(\S.*)$/i.exec(request.headers.authorization?.toString() ?? "")?.[1]
        if (given === undefined) return next(missing)
        if (poll.identity === "token") return next(ownTokens.verify(poll, given))
        const token = parseJwt(given)
        if (token === undefined) return next(invalid)
        return Effect.flatMap(providerTokens, ({ verify }) =>
          Effect.flatMap(
            Effect.promise(() => verify(token)),
            next
          )
        )
      }

      const voterOf = (poll: Poll, shown: Shown): Effect.Effect<Voter | undefined, Refusal> => {
        if (shown === undefined) return nobody
        return typeof shown === "string" ? Effect.succeed({ hash: knownHashOf(poll, shown) }) : Effect.fail(shown)
      }

      const recall = (poll: Poll, request: Sender): Effect.Effect<Voter | undefined, Refusal> =>
        poll.identity === "anyone" ? nobody : withIdentity(poll, request, (shown) => voterOf(poll, shown))

      const newVoter = (
        poll: Poll,
        request: Sender,
        key: string | undefined
      ): Effect.Effect<Voter, TooManyRequests> => {
        if (!browsers.mayBeNew(request)) return Effect.fail(tooManyNew)
        if (key !== undefined) {
          return Effect.succeed({ hash: hashOf(poll, digest(`identity\n${poll.slug}\n${key}`)) })
        }
        const { id, setCookie } = browsers.make(request)
        return Effect.succeed({ hash: hashOf(poll, id), setCookie })
      }

      const identify = (
        poll: Poll,
        request: Sender,
        key: string | undefined
      ): Effect.Effect<Voter | undefined, Unidentified> => {
        // The steps below would come to the same, and cost each vote of anyone's something.
        if (poll.identity === "anyone") return nobody
        return withIdentity(poll, request, (shown): Effect.Effect<Voter | undefined, Unidentified> => {
          if (shown === undefined) return newVoter(poll, request, key)
          if (typeof shown !== "string" && shown._tag !== "Unavailable") report("tokens", request.peer)
          return voterOf(poll, shown)
        })
      }

      const greet = (poll: Poll, request: Sender, welcome: boolean): Reader | undefined => {
        if (poll.identity !== "browser" || missingFor(poll, settings) !== undefined) return undefined
        const known = browsers.idIn(request)
        if (known !== undefined) return { name: nameOf(poll, known) }
        if (!welcome || !browsers.mayBeNew(request)) return undefined
        const { id, setCookie } = browsers.make(request)
        return { name: nameOf(poll, id), setCookie }
      }

      const issueTokens = Effect.fn("Voters.issueTokens")((poll: Poll, count: number) =>
        poll.identity !== "token"
          ? Effect.fail(new Forbidden({ detail: "The poll's voters need no tokens of ours" }))
          : ownTokens.issue(poll, count)
      )

      return Voters.of({ identify, recall, greet, issueTokens })
    })
  )
}

/** There is no voter to tell. */
const nobody = Effect.succeed(undefined)

const tooManyNew = new TooManyRequests({ detail: "Too many new voters from this address; try again later" })
