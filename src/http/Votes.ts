import { Clock, Effect } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { defaultPoll, type Poll } from "../domain/Poll.ts"
import { type BodyTooLarge, InvalidFields, Malformed, Unavailable } from "../domain/Problems.ts"
import { makeVoteId } from "../domain/Vote.ts"
import { failpoint } from "../Failpoint.ts"
import { Backlog } from "../stream/Backlog.ts"
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
    const backlog = yield* Backlog
    const { maxRequestSize } = yield* HttpSettings

    const castVote = (poll: Poll) => {
      const options = new Set(poll.options.map(({ id }) => id))
      return ({ request }: { readonly request: HttpServerRequest.HttpServerRequest }) => {
        const { headers, url } = request
        const key = headers["idempotency-key"]
        const refusal =
          refuseMediaType(headers["content-type"], headers["content-encoding"]) ??
          (key === undefined || isIdempotencyKey(key) ? undefined : invalidKey)
        if (refusal !== undefined) return Effect.succeed(problemResponse(refusal, url))
        if (backlog.isFull()) return Effect.succeed(problemResponse(unavailable, url, retryAfter))
        const refuse = (problem: BodyTooLarge | Malformed | InvalidFields) =>
          Effect.succeed(problemResponse(problem, url))
        return Effect.matchEffect(readBody(request, maxRequestSize), {
          onFailure: refuse,
          onSuccess: (body) => {
            const option = parseVoteBody(body, options)
            if (typeof option !== "string") return refuse(option)
            return Effect.flatMap(Clock.currentTimeMillis, (castAt) => {
              const vote = { voteId: makeVoteId(), poll: poll.slug, option, castAt }
              return key === undefined
                ? Effect.match(stream.append(vote), {
                    onFailure: () => problemResponse(unavailable, url, retryAfter),
                    onSuccess: (streamId) => receiptResponse(option, vote.voteId, streamId)
                  })
                : Effect.match(stream.appendOnce(vote, key), {
                    onFailure: () => problemResponse(unavailable, url, retryAfter),
                    onSuccess: (first) =>
                      first.option === option
                        ? receiptResponse(option, first.voteId, first.streamId)
                        : problemResponse(keyReused, url)
                  })
            })
          }
        })
      }
    }

    return handlers.handleRaw("castVote", castVote(defaultPoll)).handleRaw("castVoteShort", castVote(defaultPoll))
  })
)

/** 1 to 255 visible ASCII characters. */
const isIdempotencyKey = (key: string): boolean => /^[!-~]{1,255}$/.test(key)

const invalidKey = new Malformed({ detail: "An Idempotency-Key is 1 to 255 visible ASCII characters" })

const keyReused = new InvalidFields({
  detail: "This Idempotency-Key was used with another vote",
  errors: [{ pointer: "#/option", detail: "is not the one that the key was used with" }]
})

const unavailable = new Unavailable({ detail: "Voting service temporarily unavailable" })

/** Every part of it is of characters that need no escaping in JSON. */
const receiptResponse = (option: string, voteId: string, streamId: string) => {
  failpoint("after-append")
  return HttpServerResponse.text(
    `{"message":"Vote recorded successfully","option":"${option}","vote_id":"${voteId}","stream_id":"${streamId}"}`,
    {
      status: 201,
      contentType: "application/json",
      headers: { location: `/api/votes/${voteId}?stream_id=${streamId}`, "cache-control": "no-store" }
    }
  )
}
