import { Context, Effect, Fiber, Layer, RcMap } from "effect"
import type { HttpServerRequest } from "effect/http"
import { type Poll, pollStatus } from "../../domain/Poll.ts"
import { ResultsHidden, type TooManyRequests } from "../../domain/Problems.ts"
import { PollStore } from "../../ledger/PollStore.ts"
import { VoteStream } from "../../stream/VoteStream.ts"
import { PollCache } from "../polls/PollCache.ts"
import { SignIns } from "../SignIns.ts"
import { Ballots } from "../voting/Ballots.ts"
import { Voters } from "../voting/Voters.ts"

/** How often a poll is looked at by those who wait until it is closed: an organiser may close it at any time. In ms. */
const lookInterval = 500

/** Decides who may see a poll's results, and when. */
export class Visibility extends Context.Service<
  Visibility,
  {
    /** Fails where the poll hides its results from whoever sent the request; the admin sees them at any time. */
    check(
      poll: Poll,
      request: HttpServerRequest.HttpServerRequest
    ): Effect.Effect<void, ResultsHidden | TooManyRequests>
    /** Waits until the poll is closed, or gone. */
    awaitClose(poll: string): Effect.Effect<void>
  }
>()("tallykeep/http/results/Visibility") {
  static readonly layer = Layer.effect(
    Visibility,
    Effect.gen(function* () {
      const ballots = yield* Ballots
      const polls = yield* PollCache
      const store = yield* PollStore
      const stream = yield* VoteStream
      const voters = yield* Voters
      const signIns = yield* SignIns

      const hasVoted = Effect.fnUntraced(function* (poll: Poll, request: HttpServerRequest.HttpServerRequest) {
        const voter = yield* Effect.orElseSucceed(voters.recall(poll, request), () => undefined)
        if (voter === undefined) return false
        if (ballots.hasCast(poll, voter)) return true
        return yield* Effect.orElseSucceed(store.hasVoted(poll.slug, voter.hash), () => false)
      })

      const check = Effect.fnUntraced(function* (poll: Poll, request: HttpServerRequest.HttpServerRequest) {
        if (poll.results === "live" || (yield* signIns.isAdmin(request))) return
        const status = pollStatus(poll, stream.now())
        if (status === "closed") return
        if (poll.results === "after_close") {
          return yield* new ResultsHidden({ detail: "This poll shows its results once it is closed" })
        }
        if (yield* hasVoted(poll, request)) return
        return yield* new ResultsHidden({ detail: "This poll shows its results to who has voted" })
      })

      const untilClosed = Effect.fnUntraced(function* (slug: string) {
        for (;;) {
          const poll = polls.find(slug)
          const now = stream.now()
          if (poll === undefined || pollStatus(poll, now) === "closed") return
          yield* Effect.sleep(Math.min(lookInterval, (poll.closesMs ?? Number.POSITIVE_INFINITY) - now))
        }
      })

      // One fiber looks, for all who wait for a poll; it ends when the last of them has gone.
      const waiting = yield* RcMap.make({ lookup: (slug: string) => Effect.forkScoped(untilClosed(slug)) })
      const awaitClose = (slug: string) => Effect.scoped(Effect.flatMap(RcMap.get(waiting, slug), Fiber.join))

      return Visibility.of({ check, awaitClose })
    })
  )
}
