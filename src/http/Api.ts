import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { PollDefinition, PollView } from "../domain/Poll.ts"
import {
  BodyTooLarge,
  Forbidden,
  HasVoted,
  InvalidFields,
  Malformed,
  NotFound,
  PollExists,
  PollNotOpen,
  ResultsHidden,
  TooManyRequests,
  Unauthorized,
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
  transform: (operation) => ({ ...operation, parameters: [...(operation.parameters ?? []), idempotencyKey] })
})

const inPoll = { params: { slug: Schema.String } }

const summary = (text: string, description?: string) =>
  OpenApi.annotations(description === undefined ? { summary: text } : { summary: text, description })

/** Described by hand, for the few endpoints that need the admin's token. */
const forAdmin = OpenApi.annotations({
  transform: (operation) => ({ ...operation, security: [{ admin: [] }] })
})

const castVote = {
  payload: VoteRequest,
  success: Receipt.pipe(HttpApiSchema.status(201)),
  error: voteErrors
}

const readResults = {
  success: Results,
  error: [NotFound, ResultsHidden, Unavailable] as const
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
    .annotateMerge(withIdempotencyKey),
  HttpApiEndpoint.post("castVoteIn", "/api/polls/:slug/votes", {
    ...castVote,
    ...inPoll,
    error: [...voteErrors, Unauthorized, Forbidden, NotFound, PollNotOpen, HasVoted]
  })
    .annotateMerge(
      summary(
        "Vote in a poll",
        "In a poll for tokens, with `Authorization: Bearer <token>`; in one for browsers, with the cookie that the first answer sets."
      )
    )
    .annotateMerge(withIdempotencyKey)
)

const events = {
  success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/event-stream" })),
  error: [NotFound, ResultsHidden, Unavailable] as const
}

const eventsAbout =
  "Server-Sent Events: `event: tally`, `id` the revision, `data` the body of the results; the present state at once, then each change, at most ten a second."

export const TokenRequest = Schema.Struct({
  count: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 }))
})

const adminErrors = [
  Malformed,
  Unauthorized,
  Forbidden,
  BodyTooLarge,
  UnsupportedMediaType,
  InvalidFields,
  TooManyRequests,
  Unavailable
] as const

export const PollsGroup = HttpApiGroup.make("polls").add(
  HttpApiEndpoint.get("polls", "/api/polls", {
    success: Schema.Struct({ polls: Schema.Array(PollView) })
  }).annotateMerge(summary("All polls, the newest first")),
  HttpApiEndpoint.post("createPoll", "/api/polls", {
    payload: PollDefinition,
    success: PollView.pipe(HttpApiSchema.status(201)),
    error: [...adminErrors, PollExists]
  })
    .annotateMerge(summary("Create a poll"))
    .annotateMerge(forAdmin),
  HttpApiEndpoint.get("poll", "/api/polls/:slug", {
    ...inPoll,
    success: PollView,
    error: [NotFound] as const
  }).annotateMerge(summary("A poll")),
  HttpApiEndpoint.post("closePoll", "/api/polls/:slug/close", {
    ...inPoll,
    success: PollView,
    error: [Unauthorized, Forbidden, NotFound, TooManyRequests, Unavailable] as const
  })
    .annotateMerge(
      summary("Close a poll now", "Votes accepted before count, however late they are counted; none after.")
    )
    .annotateMerge(forAdmin),
  HttpApiEndpoint.post("issueTokens", "/api/polls/:slug/tokens", {
    ...inPoll,
    payload: TokenRequest,
    success: Schema.Struct({ tokens: Schema.Array(Schema.String) }).pipe(HttpApiSchema.status(201)),
    error: [...adminErrors, NotFound]
  })
    .annotateMerge(summary("Make tokens for voters", "Each is for one voter of this poll, and holds until it closes."))
    .annotateMerge(forAdmin)
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
  ),
  HttpApiEndpoint.get("resultsStream", "/api/results/stream", events).annotateMerge(
    summary("The default poll's results, live", eventsAbout)
  ),
  HttpApiEndpoint.get("resultsOf", "/api/polls/:slug/results", { ...readResults, ...inPoll }).annotateMerge(
    summary("A poll's results")
  ),
  HttpApiEndpoint.get("resultsStreamOf", "/api/polls/:slug/results/stream", { ...events, ...inPoll }).annotateMerge(
    summary("A poll's results, live", eventsAbout)
  ),
  HttpApiEndpoint.get("resultsCsvOf", "/api/polls/:slug/results.csv", {
    ...inPoll,
    success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/csv" })),
    error: [NotFound, ResultsHidden, Unavailable] as const
  }).annotateMerge(summary("A poll's results for a spreadsheet"))
)

export const Health = Schema.Struct({ status: Schema.Literal("healthy") })

export const Stuck = Schema.Struct({ status: Schema.Literal("stuck"), loops: Schema.Array(Schema.String) })

const part = Schema.Literals(["connected", "disconnected"])

export const Readiness = Schema.Struct({
  status: Schema.Literals(["ready", "not ready", "shutting down"]),
  redis: Schema.Literals(["connected", "degraded", "disconnected"]).annotate({
    description: "degraded: some nodes of a Redis Cluster are away, and votes for their shards get a 503"
  }),
  database: part,
  durability: Schema.optionalKey(Schema.Literals(["fsync", "everysec", "memory"])).annotate({
    description: "fsync: a vote is on disk before its 201; everysec, memory: a crash of Redis can cost votes"
  })
})

export const OperationsGroup = HttpApiGroup.make("operations").add(
  HttpApiEndpoint.get("health", "/health", {
    success: Health,
    error: Stuck.pipe(HttpApiSchema.status(503))
  }).annotateMerge(OpenApi.annotations({ summary: "Whether the process lives, and its loops get on" })),
  HttpApiEndpoint.get("ready", "/ready", {
    success: Readiness,
    error: Readiness.pipe(HttpApiSchema.status(503))
  }).annotateMerge(OpenApi.annotations({ summary: "Whether it can do its work, and what is missing where it can't" })),
  HttpApiEndpoint.get("metrics", "/metrics", {
    success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain" }))
  }).annotateMerge(OpenApi.annotations({ summary: "Metrics of this process, in Prometheus's text format" }))
)

export const Api = HttpApi.make("tallykeep")
  .add(VotesGroup)
  .add(PollsGroup)
  .add(ReceiptsGroup)
  .add(ResultsGroup)
  .add(OperationsGroup)
  .annotateMerge(
    OpenApi.annotations({
      title: "tallykeep",
      version: process.env.TALLYKEEP_VERSION ?? "0.0.0",
      description:
        "Votes that count exactly once. All errors are RFC 9457 problems (`application/problem+json`), here with their `detail` and, for fields, a JSON pointer each.",
      license: { name: "MIT" },
      transform: (spec) => ({
        ...spec,
        components: { ...spec.components, securitySchemes: { admin: { type: "http", scheme: "bearer" } } }
      })
    })
  )
