import { Clock, Context, Effect, Layer, Semaphore } from "effect"
import { type Poll, versionOf } from "../../domain/Poll.ts"
import { changesOf } from "../../domain/PollEdit.ts"
import { pollStatus } from "../../domain/PollStatus.ts"
import type { OutOfService } from "../../domain/Problems.ts"
import { makeVoteId, type Vote } from "../../domain/Vote.ts"
import { elapsedMs } from "../../Elapsed.ts"
import { failpoint } from "../../Failpoint.ts"
import { PollActs } from "../../ledger/PollActs.ts"
import { Backlog } from "../../stream/Backlog.ts"
import { isShut } from "../../stream/ShutPolls.ts"
import { type Appended, VoteStream } from "../../stream/VoteStream.ts"
import { Defences } from "../Defences.ts"
import { PollCache } from "../polls/PollCache.ts"
import { makeTakeBack } from "../polls/WithoutVotes.ts"
import { makeRateLimiter } from "../RateLimiter.ts"
import { hasVoted, keysFull, notNow, type Refused, refusalOf, tooOften, unavailable } from "./BallotRefusals.ts"
import { Challenges } from "./Challenges.ts"
import { makeRecentVoters, nameIn } from "./RecentVoters.ts"
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
      const polls = yield* PollCache
      const clock = yield* Clock.Clock
      const scope = yield* Effect.scope
      // One at a time, and not for each vote: that which comes after it, or is sent again, asks once more where it failed.
      const takingBack = Semaphore.makeUnsafe(1)
      const { now, unshutPoll } = stream
      const takeBack = makeTakeBack({ acts: yield* PollActs, now: Effect.sync(now), unshutPoll })
      const takenBack = (slug: string) =>
        takeBack(slug).pipe(
          Effect.ignore,
          Effect.andThen(Effect.sleep("1 second")),
          takingBack.withPermitsIfAvailable(1)
        )
      const { report } = yield* Defences
      const recent = makeRecentVoters()
      const limiter = makeRateLimiter(changes, 0, "changes")
      const changesTooOften = (poll: Poll, voter: Voter): boolean => {
        const { ballot } = poll
        if (ballot !== "changeable" || limiter(nameIn(poll, voter), undefined, elapsedMs(clock)).refusal === undefined)
          return false
        report("voter_rows")
        return true
      }

      /**
       * Goes on with a ballot that the times of its poll, as it is known here, would have refused: once more where the poll has other times
       * by now, as after it was opened again at another process.
       */
      const byTimesOfNow = (
        ballot: Ballot,
        goOn: (ballot: Ballot) => Effect.Effect<Appended, Refused>,
        refused: Effect.Effect<Appended, Refused>
      ): Effect.Effect<Appended, Refused> =>
        Effect.flatMap(polls.renewed(ballot.poll), (poll) =>
          poll === ballot.poll || changesOf(ballot.poll, poll).fixed.length > 0 ? refused : goOn({ ...ballot, poll })
        )

      /** Confirms a vote that was appended, now or at its key's first use. */
      const confirm = (appended: Appended, ballot: Ballot, again = false): Effect.Effect<Appended, Refused> => {
        const { choice, poll, voter } = ballot
        const refusal = refusalOf(appended, choice, poll, stream.now())
        if (refusal !== undefined) {
          const refused = Effect.fail(refusal)
          if (again || refusal._tag === "InvalidFields") return refused
          return byTimesOfNow(ballot, (ballot) => confirm(appended, ballot, true), refused)
        }
        if (voter !== undefined) recent.remember(poll, voter)
        return Effect.succeed(appended)
      }

      /** Refuses a vote, unless its key was used before: the answer to that stays the same, also after the poll has closed. */
      const refuse = (ballot: Ballot, refusal: Refused): Effect.Effect<Appended, Refused> =>
        ballot.key === undefined
          ? Effect.fail(refusal)
          : Effect.matchEffect(stream.findKey(ballot.poll.slug, ballot.voter?.hash, ballot.key), {
              onFailure: () => Effect.fail(unavailable),
              onSuccess: (first) => (first === undefined ? Effect.fail(refusal) : confirm(first, ballot))
            })

      /**
       * Goes on with a vote that Redis has refused, since it goes by what its poll was, or since something was begun with the poll that
       * did not come to be. While that can't be told, it may be sent again.
       */
      const outdated = (vote: Vote, ballot: Ballot, again: boolean): Effect.Effect<Appended, Refused> =>
        Effect.flatMap(polls.renewed(ballot.poll), (poll) => {
          const now = stream.now()
          const status = pollStatus(poll, now)
          if (status !== "open") return Effect.fail(notNow(poll, status === "upcoming", now))
          if (versionOf(poll) === versionOf(ballot.poll))
            return Effect.andThen(Effect.forkIn(takenBack(poll.slug), scope), Effect.fail(unavailable))
          const isAnother = changesOf(ballot.poll, poll).fixed.length > 0
          return isAnother || again ? Effect.fail(unavailable) : append(vote, { ...ballot, poll }, true)
        })

      const append = (vote: Vote, ballot: Ballot, again = false): Effect.Effect<Appended, Refused> => {
        const version = versionOf(ballot.poll)
        const onFailure = (error: OutOfService) =>
          isShut(error) ? outdated(vote, ballot, again) : Effect.fail(unavailable)
        const appended = (vote: Appended) => {
          failpoint("after-append")
          return confirm(vote, ballot)
        }
        if (ballot.key !== undefined) {
          return Effect.matchEffect(stream.appendOnce(vote, ballot.key, version), { onFailure, onSuccess: appended })
        }
        const { choice, voteId } = vote
        return Effect.matchEffect(stream.append(vote, version), {
          onFailure,
          onSuccess: (streamId) => appended({ streamId, voteId, choice })
        })
      }

      /** Takes a vote whose challenge is solved; a key that was used before needs no solution any more. */
      const solved = (ballot: Ballot, voteId: string, take: Effect.Effect<Appended, Refused>) => {
        const { key, poll, solution, voter } = ballot
        const named = key === undefined ? voteId : `${voter?.hash ?? ""} ${key}`
        return Effect.matchEffect(challenges.spend(poll, solution, named), {
          onFailure: (refusal) => refuse(ballot, refusal),
          onSuccess: () => take
        })
      }

      const take = (ballot: Ballot, again = false): Effect.Effect<Appended, Refused> => {
        const { choice, key, poll, voter } = ballot
        const now = stream.now()
        const status = pollStatus(poll, now)
        if (status !== "open") {
          const refused = refuse(ballot, notNow(poll, status === "upcoming", now))
          return again ? refused : byTimesOfNow(ballot, (ballot) => take(ballot, true), refused)
        }
        if (voter !== undefined && poll.ballot === "once" && recent.hasCast(poll, voter))
          return refuse(ballot, hasVoted)
        if (voter !== undefined && changesTooOften(poll, voter)) return refuse(ballot, tooOften)
        if (backlog.isFull()) return Effect.fail(unavailable)
        if (key !== undefined && stream.keyMemory.isFull()) {
          return Effect.tapError(refuse(ballot, keysFull), (refusal) =>
            Effect.sync(() => refusal === keysFull && report("keys"))
          )
        }
        const castAt = clock.currentTimeMillisUnsafe()
        const vote: Vote = { voteId: makeVoteId(), poll: poll.slug, choice, castAt }
        const appended = append(voter === undefined ? vote : { ...vote, voter: voter.hash }, ballot)
        return poll.challenge === undefined ? appended : solved(ballot, vote.voteId, appended)
      }

      return Ballots.of({ cast: (ballot) => take(ballot), hasCast: recent.hasCast })
    })
  )
}
