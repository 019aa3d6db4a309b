import { Context, Effect, Layer, RcMap, Stream, SubscriptionRef } from "effect"
import type { HttpServerRequest } from "effect/http"
import type { Poll } from "../../domain/Poll.ts"
import { ResultsHidden, type TooManyRequests } from "../../domain/Problems.ts"
import { PollStore } from "../../ledger/PollStore.ts"
import { PollCache } from "../polls/PollCache.ts"
import { SignIns } from "../SignIns.ts"
import { Ballots } from "../voting/Ballots.ts"
import { senderOf } from "../voting/Sender.ts"
import { Voters } from "../voting/Voters.ts"

/** How often a poll is looked at for those who wait for its results. */
const lookInterval = "100 millis"

/** All see a final result, which no time that a clock says can take back. */
const isFinal = ({ finalMs }: Poll): boolean => finalMs !== undefined

/** Decides who may see a poll's results, and when. */
export class Visibility extends Context.Service<
  Visibility,
  {
    /** Fails where the poll hides its results from whoever sent the request; the admin sees them at any time. */
    check(
      poll: Poll,
      request: HttpServerRequest.HttpServerRequest
    ): Effect.Effect<void, ResultsHidden | TooManyRequests>
    /** Returns the poll as it is, and each later version of it, until all may see its results, or it is gone. */
    whileHidden(poll: string): Stream.Stream<Poll>
  }
>()("tallykeep/http/results/Visibility") {
  static readonly layer = Layer.effect(
    Visibility,
    Effect.gen(function* () {
      const ballots = yield* Ballots
      const polls = yield* PollCache
      const store = yield* PollStore
      const voters = yield* Voters
      const signIns = yield* SignIns

      const hasVoted = Effect.fnUntraced(function* (poll: Poll, request: HttpServerRequest.HttpServerRequest) {
        const voter = yield* Effect.orElseSucceed(voters.recall(poll, senderOf(request)), () => undefined)
        if (voter === undefined) return false
        if (ballots.hasCast(poll, voter)) return true
        return yield* Effect.orElseSucceed(store.hasVoted(poll.slug, voter.hash), () => false)
      })

      const check = Effect.fnUntraced(function* (poll: Poll, request: HttpServerRequest.HttpServerRequest) {
        if (poll.results === "live" || (yield* signIns.isAdmin(request))) return
        if (isFinal(poll)) return
        if (poll.results === "after_close") {
          return yield* new ResultsHidden({ detail: "This poll shows its results once they are final" })
        }
        if (yield* hasVoted(poll, request)) return
        return yield* new ResultsHidden({ detail: "This poll shows its results to who has voted" })
      })

      // One fiber looks, for all who wait for a poll; it ends when the last of them has gone.
      const waiting = yield* RcMap.make({
        lookup: Effect.fnUntraced(function* (slug: string) {
          const found = yield* SubscriptionRef.make(polls.find(slug))
          const look = Effect.suspend(() => {
            const poll = polls.find(slug)
            return poll === SubscriptionRef.getUnsafe(found) ? Effect.void : SubscriptionRef.set(found, poll)
          })
          yield* Effect.sleep(lookInterval).pipe(Effect.andThen(look), Effect.forever, Effect.forkScoped)
          return found
        })
      })
      const whileHidden = (slug: string) =>
        Stream.unwrap(Effect.map(RcMap.get(waiting, slug), SubscriptionRef.changes)).pipe(
          Stream.takeWhile((poll) => poll !== undefined && poll.results !== "live" && !isFinal(poll)),
          Stream.filter((poll) => poll !== undefined),
          Stream.changesWith((before, after) => before.version === after.version)
        )

      return Visibility.of({ check, whileHidden })
    })
  )
}
