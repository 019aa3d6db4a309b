import { Clock, Effect } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { defaultPoll, type Poll } from "../domain/Poll.ts"
import { type BodyTooLarge, type InvalidFields, type Malformed, Unavailable } from "../domain/Problems.ts"
import { makeVoteId } from "../domain/Vote.ts"
import { VoteStream } from "../stream/VoteStream.ts"
import { Api } from "./Api.ts"
import { HttpSettings } from "./HttpSettings.ts"
import { readBody } from "./middleware/SizeLimit.ts"
import { problemResponse } from "./Problem.ts"
import { parseVoteBody, refuseMediaType } from "./VoteBody.ts"

/** When to try again after a 503, in s. */
const retryAfter = { "retry-after": "1" }

/** The way of a vote through the API, written for speed: no generator, no Schema, one string for the answer. */
export const layerVotes = HttpApiBuilder.group(
  Api,
  "votes",
  Effect.fnUntraced(function* (handlers) {
    const stream = yield* VoteStream
    const { maxRequestSize } = yield* HttpSettings

    const castVote = (poll: Poll) => {
      const options = new Set(poll.options.map(({ id }) => id))
      return ({ request }: { readonly request: HttpServerRequest.HttpServerRequest }) => {
        const { headers, url } = request
        const refusal = refuseMediaType(headers["content-type"], headers["content-encoding"])
        if (refusal !== undefined) return Effect.succeed(problemResponse(refusal, url))
        const refuse = (problem: BodyTooLarge | Malformed | InvalidFields) =>
          Effect.succeed(problemResponse(problem, url))
        return Effect.matchEffect(readBody(request, maxRequestSize), {
          onFailure: refuse,
          onSuccess: (body) => {
            const option = parseVoteBody(body, options)
            if (typeof option !== "string") return refuse(option)
            const voteId = makeVoteId()
            return Effect.flatMap(Clock.currentTimeMillis, (castAt) =>
              Effect.match(stream.append({ voteId, poll: poll.slug, option, castAt }), {
                onFailure: () => problemResponse(unavailable, url, retryAfter),
                onSuccess: (streamId) => receiptResponse(option, voteId, streamId)
              })
            )
          }
        })
      }
    }

    return handlers.handleRaw("castVote", castVote(defaultPoll)).handleRaw("castVoteShort", castVote(defaultPoll))
  })
)

const unavailable = new Unavailable({ detail: "Voting service temporarily unavailable" })

/** Every part of it is of characters that need no escaping in JSON. */
const receiptResponse = (option: string, voteId: string, streamId: string) =>
  HttpServerResponse.text(
    `{"message":"Vote recorded successfully","option":"${option}","vote_id":"${voteId}","stream_id":"${streamId}"}`,
    {
      status: 201,
      contentType: "application/json",
      headers: { location: `/api/votes/${voteId}?stream_id=${streamId}`, "cache-control": "no-store" }
    }
  )
