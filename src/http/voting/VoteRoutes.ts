import { Effect } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { defaultPoll, type Poll } from "../../domain/Poll.ts"
import { Malformed } from "../../domain/Problems.ts"
import { Api } from "../Api.ts"
import { parseVoteBody, refuseMediaType } from "../body/VoteBody.ts"
import { HttpSettings } from "../HttpSettings.ts"
import { readBody } from "../middleware/SizeLimit.ts"
import { problemResponse, refusalResponse } from "../Problem.ts"
import { PollCache } from "../polls/PollCache.ts"
import { Ballots, type Cast } from "./Ballots.ts"
import { isIdempotencyKey, optionsOf, receiptBody, receiptHeaders } from "./Receipt.ts"

interface Asked {
  readonly request: HttpServerRequest.HttpServerRequest
}

/** The way of a vote through the API, for all votes that the fast lane leaves to it. */
export const layerVoteRoutes = HttpApiBuilder.group(
  Api,
  "votes",
  Effect.fnUntraced(function* (handlers) {
    const ballots = yield* Ballots
    const polls = yield* PollCache
    const { maxRequestSize } = yield* HttpSettings

    const castVote = (poll: Poll, request: HttpServerRequest.HttpServerRequest) => {
      const { headers, url } = request
      const key = headers["idempotency-key"]
      const refusal =
        refuseMediaType(headers["content-type"], headers["content-encoding"]) ??
        (key === undefined || isIdempotencyKey(key) ? undefined : invalidKey)
      if (refusal !== undefined) return Effect.succeed(problemResponse(refusal, url))
      return Effect.matchEffect(readBody(request, maxRequestSize), {
        onFailure: (problem) => Effect.succeed(problemResponse(problem, url)),
        onSuccess: (body) => {
          const option = parseVoteBody(body, optionsOf(poll))
          if (typeof option !== "string") return Effect.succeed(problemResponse(option, url))
          return Effect.match(ballots.cast(poll, option, request, key), {
            onFailure: (problem) => refusalResponse(problem, url),
            onSuccess: receiptResponse
          })
        }
      })
    }

    const castDefault = ({ request }: Asked) => castVote(polls.find(defaultPoll.slug) ?? defaultPoll, request)

    const castIn = ({ params, request }: Asked & { readonly params: { readonly slug: string } }) => {
      const known = polls.find(params.slug)
      if (known !== undefined) return castVote(known, request)
      return Effect.matchEffect(polls.get(params.slug), {
        onFailure: (problem) => Effect.succeed(refusalResponse(problem, request.url)),
        onSuccess: (poll) => castVote(poll, request)
      })
    }

    return handlers
      .handleRaw("castVote", castDefault)
      .handleRaw("castVoteShort", castDefault)
      .handleRaw("castVoteIn", castIn)
  })
)

const invalidKey = new Malformed({ detail: "An Idempotency-Key is 1 to 255 visible ASCII characters" })

const receiptResponse = (cast: Cast) => {
  const { setCookie } = cast
  const headers = receiptHeaders(cast)
  return HttpServerResponse.text(receiptBody(cast), {
    status: 201,
    contentType: "application/json",
    headers: setCookie === undefined ? headers : { ...headers, "set-cookie": setCookie }
  })
}
