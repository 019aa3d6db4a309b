import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { PollDefinition, PollView } from "../../domain/Poll.ts"
import { Forbidden, InvalidFields, NotFound, PollExists, TooManyRequests, Unavailable } from "../../domain/Problems.ts"
import { AdminOnly } from "../middleware/AdminOnly.ts"
import { JsonPayload } from "../middleware/JsonPayload.ts"
import { ProblemAnswers } from "../middleware/ProblemAnswers.ts"

const inPoll = { params: { slug: Schema.String } }

const summary = (text: string, description?: string) =>
  OpenApi.annotations(description === undefined ? { summary: text } : { summary: text, description })

const TokenRequest = Schema.Struct({
  count: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 }))
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
      success: Schema.Struct({ polls: Schema.Array(PollView) })
    }).annotateMerge(summary("All polls, the newest first")),
    HttpApiEndpoint.get("poll", "/api/polls/:slug", {
      ...inPoll,
      success: PollView,
      error: [NotFound, Unavailable]
    }).annotateMerge(summary("A poll"))
  )
  .middleware(ProblemAnswers)
  // Unknown fields are refused, and each wrong one is named.
  .annotate(HttpApi.PayloadParseOptions, { onExcessProperty: "error", errors: "all" })
