import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { PollDefinition, PollView } from "../../domain/Poll.ts"
import {
  Forbidden,
  InvalidFields,
  Malformed,
  NotFound,
  PollExists,
  TooManyRequests,
  Unavailable
} from "../../domain/Problems.ts"
import { AdminOnly } from "../middleware/AdminOnly.ts"
import { JsonPayload } from "../middleware/JsonPayload.ts"
import { ProblemAnswers } from "../middleware/ProblemAnswers.ts"
import { maxLimit } from "./PollPages.ts"

const inPoll = { params: { slug: Schema.String } }

const summary = (text: string, description?: string) =>
  OpenApi.annotations(description === undefined ? { summary: text } : { summary: text, description })

const TokenRequest = Schema.Struct({
  count: Schema.Number.check(
    Schema.isInt({ message: "must be a whole number" }).abort(),
    Schema.isBetween({ minimum: 1, maximum: 10_000 }, { message: "must be from 1 to 10,000" })
  )
})

export const PollsGroup = HttpApiGroup.make("polls")
  .add(
    HttpApiEndpoint.post("createPoll", "/api/polls", {
      payload: PollDefinition,
      success: HttpApiSchema.WithHeaders(PollView.pipe(HttpApiSchema.status(201)), { location: Schema.String }),
      error: [InvalidFields, PollExists, Forbidden, TooManyRequests, Unavailable]
    })
      .middleware(JsonPayload)
      .middleware(AdminOnly)
      .annotateMerge(summary("Create a poll")),
    HttpApiEndpoint.post("closePoll", "/api/polls/:slug/close", {
      ...inPoll,
      success: PollView,
      error: [NotFound, TooManyRequests, Unavailable]
    })
      .middleware(AdminOnly)
      .annotateMerge(
        summary("Close a poll now", "Votes accepted before count, however late they are counted; none after.")
      ),
    HttpApiEndpoint.post("issueTokens", "/api/polls/:slug/tokens", {
      ...inPoll,
      payload: TokenRequest,
      success: Schema.Struct({ tokens: Schema.Array(Schema.String) }).pipe(HttpApiSchema.status(201)),
      error: [InvalidFields, NotFound, Forbidden, TooManyRequests, Unavailable]
    })
      .middleware(JsonPayload)
      .middleware(AdminOnly)
      .annotateMerge(
        summary("Make tokens for voters", "Each is for one voter of this poll, and holds until it closes.")
      ),
    HttpApiEndpoint.get("polls", "/api/polls", {
      query: {
        limit: Schema.optionalKey(Schema.String).annotate({
          description: `How many polls a page has: 1 to ${maxLimit}; 100 where it is not given`
        }),
        cursor: Schema.optionalKey(Schema.String).annotate({ description: "The `next` of the page before" })
      },
      success: Schema.Struct({
        polls: Schema.Array(PollView),
        next: Schema.optionalKey(Schema.String).annotate({
          description: "The cursor of the next page; without it, this is the last one"
        })
      }),
      error: [Malformed, InvalidFields, TooManyRequests, Unavailable]
    }).annotateMerge(
      summary(
        "All polls, the newest first, in pages",
        "Polls that are made meanwhile move no page. Send the `ETag` back as `If-None-Match` for a `304` while nothing has changed."
      )
    ),
    HttpApiEndpoint.get("poll", "/api/polls/:slug", {
      ...inPoll,
      success: PollView,
      error: [NotFound, Unavailable]
    }).annotateMerge(summary("A poll"))
  )
  .middleware(ProblemAnswers)
  // Unknown fields are refused, and each wrong one is named.
  .annotate(HttpApi.PayloadParseOptions, { onExcessProperty: "error", errors: "all" })
