import { Context, Effect, Layer } from "effect"
import type { HttpServerRequest } from "effect/http"
import { type Poll, pollStatus } from "../../domain/Poll.ts"
import { ResultsHidden, type TooManyRequests } from "../../domain/Problems.ts"
import { PollStore } from "../../ledger/PollStore.ts"
import { VoteStream } from "../../stream/VoteStream.ts"
import { SignIns } from "../SignIns.ts"
import { Ballots } from "../voting/Ballots.ts"
import { Voters } from "../voting/Voters.ts"

/** Decides who may see a poll's results, and when. */
export class Visibility extends Context.Service<
  Visibility,
  {
    /** Fails where the poll hides its results from whoever sent the request; the admin sees them at any time. */
    check(
      poll: Poll,
      request: HttpServerRequest.HttpServerRequest
    ): Effect.Effect<void, ResultsHidden | TooManyRequests>
  }
>()("tallykeep/http/results/Visibility") {
  static readonly layer = Layer.effect(
    Visibility,
    Effect.gen(function* () {
      const ballots = yield* Ballots
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

      return Visibility.of({ check })
    })
  )
}
