import { Clock, Context, Effect, Layer, Result } from "effect"
import { abstention, choiceField } from "../../domain/Choice.ts"
import { type Poll, pollPhase, pollStatus } from "../../domain/Poll.ts"
import {
  type ChallengeUnsolved,
  Forbidden,
  HasVoted,
  InvalidFields,
  PollNotOpen,
  TooManyRequests,
  Unavailable
} from "../../domain/Problems.ts"
import { entryMs, makeVoteId, type Vote } from "../../domain/Vote.ts"
import { elapsedMs } from "../../Elapsed.ts"
import { failpoint } from "../../Failpoint.ts"
import { Backlog } from "../../stream/Backlog.ts"
import { type Appended, VoteStream } from "../../stream/VoteStream.ts"
import { Defences } from "../Defences.ts"
import { makeRateLimiter } from "../RateLimiter.ts"
import { Challenges } from "./Challenges.ts"
import type { Voter } from "./Voters.ts"

/** A vote in a poll, not yet taken. */
export interface Ballot {
  readonly poll: Poll
  /** What it says, which is a choice in the poll. */
  readonly choice: string
  /** Who votes; undefined in a poll for anyone. */
  readonly voter: Voter | undefined
  /** The request's idempotency key. */
  readonly key: string | undefined
  /** The solution that came with it, for a poll that asks for one. */
  readonly solution?: string | undefined
}

export type Refused =
  | ChallengeUnsolved
  | Forbidden
  | PollNotOpen
  | HasVoted
  | InvalidFields
  | TooManyRequests
  | Unavailable

/** How many voters of `once` polls are remembered here, so that a second vote is refused at once. */
const remembered = 100_000

/** How often one voter may change a vote: each is a row. */
const changes = { votes: 60, seconds: 60 }

/**
 * What a vote must fulfil, and how it is appended: the app and the lane both call this and add nothing of their own. It is
 * on the way of every vote, hence the plain functions. What the rules come to in the end, the ledger decides by acceptance.
 */
export class Ballots extends Context.Service<
  Ballots,
  {
    /** Takes a vote, or returns what the first use of its idempotency key was given. */
    readonly cast: (ballot: Ballot) => Effect.Effect<Appended, Refused>
    /** Whether this process has taken a vote of the voter in the poll; another one may have. */
    readonly hasCast: (poll: Poll, voter: Voter) => boolean
  }
>()("tallykeep/http/voting/Ballots") {
  static readonly layer = Layer.effect(
    Ballots,
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const backlog = yield* Backlog
      const challenges = yield* Challenges
      const clock = yield* Clock.Clock
      const { report } = yield* Defences
      const seen = new Set<string>()
      const limiter = makeRateLimiter(changes, 0, "changes")
      const changesTooOften = ({ ballot, slug }: Poll, { hash }: Voter): boolean => {
        if (ballot !== "changeable" || limiter(`${slug}/${hash}`, undefined, elapsedMs(clock)).refusal === undefined)
          return false
        report("voter_rows")
        return true
      }

      const hasCast = (poll: Poll, voter: Voter): boolean => seen.has(`${poll.slug}/${voter.hash}`)
      const remember = (poll: Poll, voter: Voter): void => {
        if (seen.size >= remembered) for (const oldest of seen) if (seen.delete(oldest)) break
        seen.add(`${poll.slug}/${voter.hash}`)
      }

      /** Refuses a vote, unless its key was used before: the answer to that stays the same, also after the poll has closed. */
      const refuse = ({ choice, key, poll, voter }: Ballot, refusal: Refused): Effect.Effect<Appended, Refused> =>
        key === undefined
          ? Effect.fail(refusal)
          : Effect.matchEffect(stream.findKey(poll.slug, voter?.hash, key), {
              onFailure: () => Effect.fail(unavailable),
              onSuccess: (first) =>
                Effect.fromResult(first === undefined ? Result.fail(refusal) : answerTo(first, choice, poll))
            })

      const append = (vote: Vote, key: string | undefined) =>
        key === undefined
          ? Effect.map(stream.append(vote), (streamId) => ({ streamId, voteId: vote.voteId, choice: vote.choice }))
          : stream.appendOnce(vote, key)

      /** Takes a vote whose challenge is solved; a key that was used before needs no solution any more. */
      const solved = (ballot: Ballot, voteId: string, take: Effect.Effect<Appended, Refused>) => {
        const { key, poll, solution, voter } = ballot
        const named = key === undefined ? voteId : `${voter?.hash ?? ""} ${key}`
        return Effect.matchEffect(challenges.spend(poll, solution, named), {
          onFailure: (refusal) => refuse(ballot, refusal),
          onSuccess: () => take
        })
      }

      const cast = (ballot: Ballot): Effect.Effect<Appended, Refused> => {
        const { choice, key, poll, voter } = ballot
        const status = pollStatus(poll, stream.now())
        if (status !== "open") return refuse(ballot, notOpen(poll, status === "upcoming"))
        if (voter !== undefined && poll.ballot === "once" && hasCast(poll, voter)) return refuse(ballot, hasVoted)
        if (voter !== undefined && changesTooOften(poll, voter)) return refuse(ballot, tooOften)
        if (backlog.isFull()) return Effect.fail(unavailable)
        if (key !== undefined && stream.keyMemory.isFull()) {
          return Effect.tapError(refuse(ballot, keysFull), (refusal) =>
            Effect.sync(() => refusal === keysFull && report("keys"))
          )
        }
        const castAt = clock.currentTimeMillisUnsafe()
        const vote: Vote = { voteId: makeVoteId(), poll: poll.slug, choice, castAt }
        const take = Effect.matchEffect(append(voter === undefined ? vote : { ...vote, voter: voter.hash }, key), {
          onFailure: () => Effect.fail(unavailable),
          onSuccess: (appended) => {
            failpoint("after-append")
            const answer = answerTo(appended, choice, poll)
            if (voter !== undefined && Result.isSuccess(answer)) remember(poll, voter)
            return Effect.fromResult(answer)
          }
        })
        return poll.challenge === undefined ? take : solved(ballot, vote.voteId, take)
      }

      return Ballots.of({ cast, hasCast })
    })
  )
}

const unavailable = new Unavailable({ detail: "Voting service temporarily unavailable" })

const keysFull = new Unavailable({
  detail: "Votes with a new Idempotency-Key can't be taken for now; try again later"
})

const tooOften = new TooManyRequests({ detail: "You have changed your vote 60 times in a minute; try again later" })

const hasVoted = new HasVoted({ detail: "You have voted; in this poll the first vote counts" })

const notOpen = ({ identity }: Poll, early: boolean): Forbidden | PollNotOpen => {
  if (early) return new PollNotOpen({ detail: "The poll is not open yet" })
  return identity === "token"
    ? new Forbidden({ detail: "The poll has closed, and its tokens with it" })
    : new PollNotOpen({ detail: "The poll has closed" })
}

/**
 * Returns the vote that was appended, now or at a key's first use, which must have made the same choice. Only its entry's
 * id says for sure when it was accepted: one that will be rejected for that is not confirmed.
 */
const answerTo = (appended: Appended, choice: string, poll: Poll): Result.Result<Appended, Refused> => {
  if (appended.choice !== choice) return Result.fail(keyReused(poll, choice))
  const phase = pollPhase(poll, entryMs(appended.streamId))
  return phase === "open" ? Result.succeed(appended) : Result.fail(notOpen(poll, phase === "before"))
}

const keyReused = ({ rules }: Poll, choice: string) => {
  const pointer = `#/${choice === abstention ? "abstain" : choiceField[rules.kind]}`
  return new InvalidFields({
    detail: "This Idempotency-Key was used with another vote",
    errors: [{ pointer, detail: "is not what the key was used with" }]
  })
}
