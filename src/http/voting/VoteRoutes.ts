import { Effect } from "effect"
import type { HttpServerRequest } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { defaultPoll } from "../../domain/Poll.ts"
import { solutionHeader } from "../../domain/SolutionHeader.ts"
import { Api } from "../Api.ts"
import { Bodies } from "../body/Bodies.ts"
import { readBody } from "../body/ReadBody.ts"
import { parseVoteBody } from "../body/VoteBody.ts"
import { problemResponse, toResponse } from "../Problem.ts"
import { PollCache } from "../polls/PollCache.ts"
import { Challenges } from "./Challenges.ts"
import { senderOf } from "./Sender.ts"
import { makeTakeVote } from "./TakeVote.ts"
import { refuseHeaders } from "./VoteRequest.ts"

/**
 * The way of a vote through the app, for all votes that the lane leaves to it. The handlers are raw: to decode the payload
 * and to encode the receipt by their schemas would cost more than all else. `test/http/describedAnswers.test.ts` and
 * `test/http/body/voteBody.test.ts` hold them to the description.
 */
export const layerVoteRoutes = HttpApiBuilder.group(
  Api,
  "votes",
  Effect.fnUntraced(function* (handlers) {
    const take = yield* makeTakeVote
    const challenges = yield* Challenges
    const polls = yield* PollCache
    const bodies = yield* Bodies

    const takeVote = Effect.fnUntraced(function* (slug: string, request: HttpServerRequest.HttpServerRequest) {
      const poll = yield* polls.get(slug)
      const { headers } = request
      const key = headers["idempotency-key"]
      const refusal = refuseHeaders({
        contentType: headers["content-type"],
        contentEncoding: headers["content-encoding"],
        idempotencyKey: key
      })
      if (refusal !== undefined) return yield* refusal
      const choice = parseVoteBody(yield* readBody(request, bodies.votes), poll)
      if (typeof choice !== "string") return yield* choice
      const solution = headers[solutionHeader.toLowerCase()]
      return toResponse(yield* take({ poll, choice, sender: senderOf(request), key, solution }))
    })

    const castVote = (slug: string, request: HttpServerRequest.HttpServerRequest) =>
      Effect.catch(takeVote(slug, request), (problem) => Effect.succeed(problemResponse(problem, request.url)))

    return handlers
      .handleRaw("castVote", ({ request }) => castVote(defaultPoll.slug, request))
      .handleRaw("castVoteShort", ({ request }) => castVote(defaultPoll.slug, request))
      .handleRaw("castVoteIn", ({ params, request }) => castVote(params.slug, request))
      .handle("challenge", ({ params }) => Effect.flatMap(polls.get(params.slug), challenges.make))
  })
)
