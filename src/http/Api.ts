import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import {
  BodyTooLarge,
  InvalidFields,
  Malformed,
  NotFound,
  TooManyRequests,
  Unavailable,
  UnsupportedMediaType
} from "../domain/Problems.ts"
import { Results } from "../domain/Tally.ts"
import { Receipt, VoteRequest, VoteStatus } from "../domain/Vote.ts"

/*
 * The API's description: the handlers are checked against it, and `/openapi.json`, `/docs` and the typed client are
 * made from it.
 */

const voteErrors = [Malformed, BodyTooLarge, UnsupportedMediaType, InvalidFields, TooManyRequests, Unavailable] as const

/** Described here and not as the endpoint's headers, which would be decoded for each vote. */
const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  schema: { type: "string", minLength: 1, maxLength: 255, pattern: "^[!-~]+$" },
  description:
    "The same key with the same body, however often and for 24 hours, gives one vote and the same answer: send one to be able to retry."
}

const withIdempotencyKey = OpenApi.annotations({
  transform: (operation) => ({ ...operation, parameters: [idempotencyKey] })
})

const castVote = {
  payload: VoteRequest,
  success: Receipt.pipe(HttpApiSchema.status(201)),
  error: voteErrors
}

const readResults = {
  success: Results,
  error: [Unavailable] as const
}

export const VotesGroup = HttpApiGroup.make("votes").add(
  HttpApiEndpoint.post("castVote", "/api/vote", castVote)
    .annotateMerge(
      OpenApi.annotations({
        summary: "Vote in the default poll",
        description:
          "`201` says that the vote is on disk in the stream, and it will be counted exactly once. A `503` can mean that the outcome is not known."
      })
    )
    .annotateMerge(withIdempotencyKey),
  HttpApiEndpoint.post("castVoteShort", "/vote", castVote)
    .annotateMerge(OpenApi.annotations({ summary: "Short for `POST /api/vote`" }))
    .annotateMerge(withIdempotencyKey)
)

export const ReceiptsGroup = HttpApiGroup.make("receipts").add(
  HttpApiEndpoint.get("voteStatus", "/api/votes/:vote_id", {
    params: { vote_id: Schema.String },
    query: { stream_id: Schema.optionalKey(Schema.String) },
    success: VoteStatus,
    error: [InvalidFields, NotFound, Unavailable] as const
  }).annotateMerge(
    OpenApi.annotations({
      summary: "What has become of a vote",
      description: "By the receipt's `vote_id` and `stream_id`: without the latter, a vote is found once it is counted."
    })
  )
)

export const ResultsGroup = HttpApiGroup.make("results").add(
  HttpApiEndpoint.get("results", "/api/results", readResults).annotateMerge(
    OpenApi.annotations({
      summary: "The default poll's results",
      description: "At most 2 s old. Send the `ETag` back as `If-None-Match` for a `304` while nothing has changed."
    })
  ),
  HttpApiEndpoint.get("resultsShort", "/results", readResults).annotateMerge(
    OpenApi.annotations({ summary: "Short for `GET /api/results`" })
  )
)

export const Health = Schema.Struct({ status: Schema.Literal("healthy") })

const part = Schema.Literals(["connected", "disconnected"])

export const Readiness = Schema.Struct({
  status: Schema.Literals(["ready", "not ready", "shutting down"]),
  redis: part,
  database: part,
  durability: Schema.optionalKey(Schema.Literals(["fsync", "everysec", "memory"])).annotate({
    description: "fsync: a vote is on disk before its 201; everysec, memory: a crash of Redis can cost votes"
  })
})

export const OperationsGroup = HttpApiGroup.make("operations").add(
  HttpApiEndpoint.get("health", "/health", { success: Health }).annotateMerge(
    OpenApi.annotations({ summary: "Whether the process lives" })
  ),
  HttpApiEndpoint.get("ready", "/ready", {
    success: Readiness,
    error: Readiness.pipe(HttpApiSchema.status(503))
  }).annotateMerge(OpenApi.annotations({ summary: "Whether it can do its work, and what is missing where it can't" }))
)

export const Api = HttpApi.make("tallykeep")
  .add(VotesGroup)
  .add(ReceiptsGroup)
  .add(ResultsGroup)
  .add(OperationsGroup)
  .annotateMerge(
    OpenApi.annotations({
      title: "tallykeep",
      version: process.env.TALLYKEEP_VERSION ?? "0.0.0",
      description:
        "Votes that count exactly once. All errors are RFC 9457 problems (`application/problem+json`), here with their `detail` and, for fields, a JSON pointer each.",
      license: { name: "MIT" }
    })
  )
