import { Cause, Clock, Effect, Option } from "effect"
import { defaultPoll, type Poll } from "../../domain/Poll.ts"
import { internalError, Malformed } from "../../domain/Problems.ts"
import { elapsedMs } from "../../Elapsed.ts"
import { Bodies } from "../body/Bodies.ts"
import { collectBody } from "../body/ReadBody.ts"
import { parseVoteBody } from "../body/VoteBody.ts"
import { HttpSettings } from "../HttpSettings.ts"
import { type PlainAnswer, problemAnswer } from "../Problem.ts"
import { PollCache } from "../polls/PollCache.ts"
import type { RateLimiter } from "../RateLimiter.ts"
import { makeTakeVote, type RefusedVote } from "../voting/TakeVote.ts"
import { refuseHeaders } from "../voting/VoteRequest.ts"
import { isOrdinary, type Lane, pollPath, slugIn } from "./LaneRequests.ts"
import { type Exchange, type LaneResponses, pushHeaders } from "./LaneResponses.ts"

/** Why a vote is not taken: for what its body says, or for another reason. */
type Refused = Exclude<ReturnType<typeof parseVoteBody>, string> | RefusedVote

/** Makes the lane of votes as JSON of a known length, in polls without a challenge, with an Idempotency-Key or without. */
export const makeVoteLane = Effect.fnUntraced(function* ({ send }: LaneResponses, limiter: RateLimiter | undefined) {
  const take = yield* makeTakeVote
  const polls = yield* PollCache
  const { maxRequestSize } = yield* HttpSettings
  const { votes: bounds } = yield* Bodies
  const clock = yield* Clock.Clock
  const run = Effect.runForkWith(yield* Effect.context<never>())

  const failed = (cause: Cause.Cause<Refused>, url: string): Effect.Effect<PlainAnswer> => {
    const refused = Cause.findErrorOption(cause)
    return Option.isSome(refused)
      ? Effect.succeed(problemAnswer(refused.value, url))
      : Effect.as(Effect.logError("A vote failed", cause), problemAnswer(internalError, url))
  }

  const cast = (exchange: Exchange, poll: Poll, key: string | undefined, limitHeaders: ReadonlyArray<string>) => {
    const { url = "/" } = exchange.request
    collectBody(exchange.request, bounds, (body) => {
      // To a body that ended early nobody is there to be answered.
      if (body instanceof Malformed) return
      if (!Buffer.isBuffer(body)) return send(exchange, problemAnswer(body, url), limitHeaders)
      const { headers, socket } = exchange.request
      const sender = { headers, peer: socket.remoteAddress, source: exchange.request }
      const taken = Effect.suspend((): Effect.Effect<PlainAnswer, Refused> => {
        const choice = parseVoteBody(body, poll)
        return typeof choice === "string" ? take({ poll, choice, sender, key }) : Effect.fail(choice)
      })
      run(
        Effect.matchCauseEffect(taken, {
          onFailure: (cause) => Effect.map(failed(cause, url), (answer) => send(exchange, answer, limitHeaders)),
          onSuccess: (answer) => Effect.succeed(send(exchange, answer, limitHeaders))
        })
      )
    })
  }

  const pollAt = (url: string): readonly [route: string, poll: Poll | undefined] => {
    if (url === "/api/vote" || url === "/vote") return [url, polls.find(defaultPoll.slug)]
    const slug = slugIn(url, pollPath, "/votes")
    return ["/api/polls/:slug/votes", slug === undefined ? undefined : polls.find(slug)]
  }

  const lane: Lane = (request, response) => {
    const { headers, method, socket, url = "/" } = request
    if (method !== "POST" || !isOrdinary(request)) return false
    const [route, poll] = pollAt(url)
    if (poll === undefined || poll.challenge !== undefined) return false
    const length = headers["content-length"]
    if (length === undefined || Number(length) > maxRequestSize) return false
    const key = headers["idempotency-key"]?.toString()
    const contentType = headers["content-type"]
    if (refuseHeaders({ contentType, contentEncoding: headers["content-encoding"], idempotencyKey: key })) return false
    const limitHeaders: Array<string> = []
    if (limiter !== undefined) {
      const forwarded = headers["x-forwarded-for"]
      const taken = limiter(socket.remoteAddress ?? "unknown", forwarded?.toString(), elapsedMs(clock))
      // The app is told the same, and says so.
      if (taken.refusal !== undefined) return false
      pushHeaders(limitHeaders, taken.headers())
    }
    cast({ request, response, route, started: performance.now() }, poll, key, limitHeaders)
    return true
  }
  return lane
})
