import { Clock, Effect } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { defaultPoll, type Poll, pollStatus } from "../domain/Poll.ts"
import { Malformed } from "../domain/Problems.ts"
import { makeVoteId } from "../domain/Vote.ts"
import { failpoint } from "../Failpoint.ts"
import { Backlog } from "../stream/Backlog.ts"
import { VoteStream } from "../stream/VoteStream.ts"
import { Api } from "./Api.ts"
import { Ballots, type Cast, unavailable } from "./Ballots.ts"
import { HttpSettings } from "./HttpSettings.ts"
import { readBody } from "./middleware/SizeLimit.ts"
import { Polls } from "./Polls.ts"
import { problemResponse, refusalResponse } from "./Problem.ts"
import { parseVoteBody, refuseMediaType } from "./VoteBody.ts"

interface Asked {
  readonly request: HttpServerRequest.HttpServerRequest
}

/** The way of a vote through the API, written for speed: no generator, no Schema, one string for the answer. */
export const layerVotes = HttpApiBuilder.group(
  Api,
  "votes",
  Effect.fnUntraced(function* (handlers) {
    const stream = yield* VoteStream
    const backlog = yield* Backlog
    const ballots = yield* Ballots
    const polls = yield* Polls
    const { maxRequestSize } = yield* HttpSettings

    /** In a poll for anyone where each vote counts, there is nothing to look at but the backlog. */
    const castPlainly = (poll: Poll, option: string, url: string, castAt: number) => {
      if (backlog.isFull()) return Effect.succeed(refusalResponse(unavailable, url))
      const vote = { voteId: makeVoteId(), poll: poll.slug, option, castAt }
      return Effect.match(stream.append(vote), {
        onFailure: () => refusalResponse(unavailable, url),
        onSuccess: (streamId) => receiptResponse({ streamId, voteId: vote.voteId, option })
      })
    }

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
          return Effect.flatMap(Clock.currentTimeMillis, (castAt) => {
            const plain = poll.ballot === "open" && poll.identity === "anyone"
            if (plain && key === undefined && pollStatus(poll, castAt) === "open") {
              return castPlainly(poll, option, url, castAt)
            }
            return Effect.match(ballots.cast(poll, option, request, key), {
              onFailure: (problem) => refusalResponse(problem, url),
              onSuccess: receiptResponse
            })
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

/** A poll's option ids, made once for each reading of the poll. */
const optionSets = new WeakMap<Poll, ReadonlySet<string>>()

export const optionsOf = (poll: Poll): ReadonlySet<string> => {
  const known = optionSets.get(poll)
  if (known !== undefined) return known
  const options = new Set(poll.options.map(({ id }) => id))
  optionSets.set(poll, options)
  return options
}

/** 1 to 255 visible ASCII characters. */
const isIdempotencyKey = (key: string): boolean => /^[!-~]{1,255}$/.test(key)

const invalidKey = new Malformed({ detail: "An Idempotency-Key is 1 to 255 visible ASCII characters" })

/** Every part of it is of characters that need no escaping in JSON. */
const receiptResponse = ({ option, setCookie, streamId, voteId }: Cast) => {
  failpoint("after-append")
  const headers = { location: `/api/votes/${voteId}?stream_id=${streamId}`, "cache-control": "no-store" }
  return HttpServerResponse.text(
    `{"message":"Vote recorded successfully","option":"${option}","vote_id":"${voteId}","stream_id":"${streamId}"}`,
    {
      status: 201,
      contentType: "application/json",
      headers: setCookie === undefined ? headers : { ...headers, "set-cookie": setCookie }
    }
  )
}
