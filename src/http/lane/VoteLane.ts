import { Cause, Clock, Effect } from "effect"
import { defaultPoll, type Poll, pollStatus } from "../../domain/Poll.ts"
import { InternalError, type OutOfService, type Problem } from "../../domain/Problems.ts"
import { makeVoteId } from "../../domain/Vote.ts"
import { Backlog } from "../../stream/Backlog.ts"
import { type Appended, VoteStream } from "../../stream/VoteStream.ts"
import { parseVoteBody } from "../body/VoteBody.ts"
import { HttpSettings } from "../HttpSettings.ts"
import type { RateLimiter } from "../middleware/RateLimit.ts"
import { collectBody } from "../middleware/SizeLimit.ts"
import { problemBody, refusalHeaders } from "../Problem.ts"
import { PollCache } from "../polls/PollCache.ts"
import { keyReused, unavailable } from "../voting/Ballots.ts"
import { isIdempotencyKey, optionsOf, receiptBody, receiptHeaders } from "../voting/Receipt.ts"
import { type Answer, addHeaders, type Exchange, isOrdinary, type Lane, slugIn } from "./Lane.ts"

/** Votes as JSON in open polls for anyone where each vote counts, with an Idempotency-Key or without. */
export const makeVoteLane = Effect.fnUntraced(function* ({ whole }: Answer, limiter: RateLimiter | undefined) {
  const stream = yield* VoteStream
  const backlog = yield* Backlog
  const polls = yield* PollCache
  const { maxRequestSize } = yield* HttpSettings
  const clock = yield* Clock.Clock
  const run = Effect.runForkWith(yield* Effect.context<never>())

  const refuse = (exchange: Exchange, problem: Problem, limits: ReadonlyArray<string>) => {
    const { url = "/" } = exchange.request
    const own = ["content-type", "application/problem+json", "cache-control", "no-store", ...limits]
    addHeaders(own, refusalHeaders[problem.status] ?? {})
    whole(exchange, problem.status, own, problemBody(problem, url))
  }

  const accept = (exchange: Exchange, vote: Appended, limits: ReadonlyArray<string>) => {
    const own = ["content-type", "application/json", ...limits]
    addHeaders(own, receiptHeaders(vote))
    whole(exchange, 201, own, receiptBody(vote))
  }

  const failed = (exchange: Exchange, cause: Cause.Cause<OutOfService>, limits: ReadonlyArray<string>) =>
    Cause.hasDies(cause)
      ? Effect.map(Effect.logError("A vote failed", cause), () => refuse(exchange, new InternalError({}), limits))
      : Effect.succeed(refuse(exchange, unavailable, limits))

  const cast = (exchange: Exchange, poll: Poll, key: string | undefined, castAt: number, limits: Array<string>) =>
    collectBody(exchange.request, maxRequestSize, (body) => {
      // It ended early: nobody is there to be answered.
      if (!Buffer.isBuffer(body)) return
      const option = parseVoteBody(body, optionsOf(poll))
      if (typeof option !== "string") return refuse(exchange, option, limits)
      const vote = { voteId: makeVoteId(), poll: poll.slug, option, castAt }
      const appended =
        key === undefined
          ? Effect.map(stream.append(vote), (streamId) => ({ streamId, voteId: vote.voteId, option }))
          : stream.appendOnce(vote, key)
      run(
        Effect.matchCauseEffect(appended, {
          onFailure: (cause) => failed(exchange, cause, limits),
          onSuccess: (taken) =>
            Effect.succeed(
              taken.option === option ? accept(exchange, taken, limits) : refuse(exchange, keyReused, limits)
            )
        })
      )
    })

  const pollAt = (url: string): readonly [route: string, poll: Poll | undefined] => {
    if (url === "/api/vote" || url === "/vote") return [url, polls.find(defaultPoll.slug) ?? defaultPoll]
    const slug = slugIn(url, "/votes")
    return ["/api/polls/:slug/votes", slug === undefined ? undefined : polls.find(slug)]
  }

  const lane: Lane = (request, response) => {
    const { headers, method, socket, url = "/" } = request
    if (method !== "POST" || headers["content-type"] !== "application/json" || !isOrdinary(request)) return false
    const length = headers["content-length"]
    if (length === undefined || Number(length) > maxRequestSize || headers["content-encoding"] !== undefined)
      return false
    const key = headers["idempotency-key"]
    if (key !== undefined && (typeof key !== "string" || !isIdempotencyKey(key))) return false
    const [route, poll] = pollAt(url)
    if (poll === undefined || poll.ballot !== "open" || poll.identity !== "anyone" || backlog.isFull()) return false
    const now = clock.currentTimeMillisUnsafe()
    if (pollStatus(poll, now) !== "open") return false
    const limits: Array<string> = []
    if (limiter !== undefined) {
      const forwarded = headers["x-forwarded-for"]
      const taken = limiter(socket.remoteAddress ?? "unknown", forwarded?.toString(), now)
      // The app is told the same, and says so.
      if (taken.refusal !== undefined) return false
      addHeaders(limits, taken.headers)
    }
    cast({ request, response, route, started: performance.now() }, poll, key, now, limits)
    return true
  }
  return lane
})
