import { Clock, Context, Effect, Layer } from "effect"
import type { HttpServerRequest } from "effect/http"
import { type Poll, pollStatus } from "../../domain/Poll.ts"
import {
  Forbidden,
  HasVoted,
  InvalidFields,
  PollNotOpen,
  type Unauthorized,
  Unavailable
} from "../../domain/Problems.ts"
import { makeVoteId } from "../../domain/Vote.ts"
import { Backlog } from "../../stream/Backlog.ts"
import { type Appended, VoteStream } from "../../stream/VoteStream.ts"
import { type Voter, Voters } from "./Voters.ts"

/** A vote that was taken, and a cookie to set where the browser had none. */
export interface Cast extends Appended {
  readonly setCookie?: string | undefined
}

export type Refused = Unauthorized | Forbidden | PollNotOpen | HasVoted | InvalidFields | Unavailable

/** How many voters of polls with one vote each are remembered here, to be told at once. */
const remembered = 100_000

/** The rules of a poll on the way of a vote; what they come to in the end, the ledger decides by acceptance. */
export class Ballots extends Context.Service<
  Ballots,
  {
    /** Takes a vote for one of the poll's options; `key` is its idempotency key. */
    cast(
      poll: Poll,
      option: string,
      request: HttpServerRequest.HttpServerRequest,
      key: string | undefined
    ): Effect.Effect<Cast, Refused>
    /** Whether this process has taken a vote of the voter in the poll; another may have. */
    readonly hasCast: (poll: Poll, voter: Voter) => boolean
  }
>()("tallykeep/http/voting/Ballots") {
  static readonly layer = Layer.effect(
    Ballots,
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const backlog = yield* Backlog
      const voters = yield* Voters
      const cast = new Set<string>()

      const remember = (poll: Poll, voter: Voter) => {
        if (cast.size >= remembered) for (const oldest of cast) if (cast.delete(oldest)) break
        cast.add(`${poll.slug}/${voter.hash}`)
      }
      const hasCast = (poll: Poll, voter: Voter) => cast.has(`${poll.slug}/${voter.hash}`)

      /** What the key's first use got: the answer to it stays the same, also after the poll is closed. */
      const earlier = Effect.fnUntraced(function* (
        poll: Poll,
        option: string,
        voter: Voter | undefined,
        key: string | undefined
      ): Effect.fn.Return<Cast | undefined, InvalidFields | Unavailable> {
        if (key === undefined) return undefined
        const first = yield* Effect.mapError(stream.findKey(poll.slug, voter?.hash, key), () => unavailable)
        // A browser that asks again without a cookie has not got the first answer, nor the cookie in it.
        return first === undefined ? undefined : { ...(yield* sameVote(first, option)), setCookie: voter?.setCookie }
      })

      const castBy = Effect.fnUntraced(function* (
        poll: Poll,
        option: string,
        request: HttpServerRequest.HttpServerRequest,
        key: string | undefined
      ): Effect.fn.Return<Cast, Refused> {
        const castAt = yield* Clock.currentTimeMillis
        const voter = yield* voters.identify(poll, request, key)
        const status = pollStatus(poll, castAt)
        if (status !== "open") {
          const first = yield* earlier(poll, option, voter, key)
          if (first !== undefined) return first
          if (status === "closed" && poll.identity === "token") {
            return yield* new Forbidden({ detail: "The poll is closed, and its tokens with it" })
          }
          const detail = status === "closed" ? "The poll is closed" : "The poll is not open yet"
          return yield* new PollNotOpen({ detail })
        }
        if (voter !== undefined && poll.ballot === "once" && hasCast(poll, voter)) {
          const first = yield* earlier(poll, option, voter, key)
          return first ?? (yield* new HasVoted({ detail: "You have voted; in this poll the first vote counts" }))
        }
        if (backlog.isFull()) return yield* unavailable
        const vote = {
          voteId: makeVoteId(),
          poll: poll.slug,
          option,
          castAt,
          ...(voter === undefined ? {} : { voter: voter.hash })
        }
        const taken = yield* (
          key === undefined
            ? Effect.map(stream.append(vote), (streamId) => ({ streamId, voteId: vote.voteId, option }))
            : stream.appendOnce(vote, key)
        ).pipe(Effect.mapError(() => unavailable))
        if (voter !== undefined) remember(poll, voter)
        const answer = yield* sameVote(taken, option)
        return { ...answer, setCookie: voter?.setCookie }
      })

      return Ballots.of({ cast: castBy, hasCast })
    })
  )
}

export const unavailable = new Unavailable({ detail: "Voting service temporarily unavailable" })

const sameVote = (first: Appended, option: string): Effect.Effect<Appended, InvalidFields> =>
  first.option === option ? Effect.succeed(first) : Effect.fail(keyReused)

export const keyReused = new InvalidFields({
  detail: "This Idempotency-Key was used with another vote",
  errors: [{ pointer: "#/option", detail: "is not the one that the key was used with" }]
})
