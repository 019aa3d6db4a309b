import { Context, Effect, Fiber, Layer, RcMap, Schedule } from "effect"
import type { HttpServerRequest } from "effect/http"
import type { Poll } from "../../domain/Poll.ts"
import { ResultsHidden, type TooManyRequests } from "../../domain/Problems.ts"
import { PollStore } from "../../ledger/PollStore.ts"
import { PollCache } from "../polls/PollCache.ts"
import { SignIns } from "../SignIns.ts"
import { Ballots } from "../voting/Ballots.ts"
import { senderOf, Voters } from "../voting/Voters.ts"

/** How often a poll is looked at for those who wait until it is final. */
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
    /** Waits until the poll is final, or gone. */
    awaitFinal(poll: string): Effect.Effect<void>
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

      const untilFinal = (slug: string) =>
        Effect.repeat(
          Effect.sync(() => polls.find(slug)),
          { until: (poll) => poll === undefined || isFinal(poll), schedule: Schedule.spaced(lookInterval) }
        )

      // One fiber looks, for all who wait for a poll; it ends when the last of them has gone.
      const waiting = yield* RcMap.make({ lookup: (slug: string) => Effect.forkScoped(untilFinal(slug)) })
      const awaitFinal = (slug: string) =>
        Effect.asVoid(Effect.scoped(Effect.flatMap(RcMap.get(waiting, slug), Fiber.join)))

      return Visibility.of({ check, awaitFinal })
    })
  )
}
