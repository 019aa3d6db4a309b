import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { PollSlug } from "../../domain/Poll.ts"
import { PollDefinition, Timestamp } from "../../domain/PollDefinition.ts"
import { PollEdit } from "../../domain/PollEdit.ts"
import { PollView } from "../../domain/PollView.ts"
import {
  Forbidden,
  InvalidFields,
  Malformed,
  NotFound,
  PollExists,
  Stale,
  TooManyRequests,
  Unavailable,
  Unchangeable,
  VersionMissing
} from "../../domain/Problems.ts"
import { describesTag, inPoll, summary } from "../Describe.ts"
import { AdminOnly } from "../middleware/AdminOnly.ts"
import { JsonPayload } from "../middleware/JsonPayload.ts"
import { ProblemAnswers } from "../middleware/ProblemAnswers.ts"
import { maxLimit, searchable } from "./PollPages.ts"

const TokenRequest = Schema.Struct({
  count: Schema.Number.check(
    Schema.isInt({ message: "must be a whole number" }).abort(),
    Schema.isBetween({ minimum: 1, maximum: 10_000 }, { message: "must be from 1 to 10,000" })
  )
})

/** A poll, with its version as the entity tag that an edit is based on. */
const Versioned = HttpApiSchema.WithHeaders(PollView, { etag: Schema.String })

/** A poll that was just made, and where it is. */
const Made = HttpApiSchema.WithHeaders(PollView.pipe(HttpApiSchema.status(201)), {
  location: Schema.String,
  etag: Schema.String
})

export const eventsQuery = Schema.Struct({
  cursor: Schema.optionalKey(Schema.String).annotate({ description: "The `next` of the page before" })
})

const AdminEvents = Schema.Struct({
  events: Schema.Array(
    Schema.Struct({
      id: Schema.Number,
      at: Schema.String,
      who: Schema.String,
      what: Schema.String,
      before: Schema.Unknown.annotate({ description: "What the poll's definition was; null where there was none" }),
      after: Schema.Unknown.annotate({ description: "What it has been since" })
    })
  ),
  next: Schema.optionalKey(Schema.String).annotate({
    description: "The cursor of the next page; without it, this is the last one"
  })
})

export const PollsGroup = HttpApiGroup.make("polls")
  .add(
    HttpApiEndpoint.post("createPoll", "/api/polls", {
      payload: PollDefinition,
      success: Made,
      error: [InvalidFields, PollExists, Forbidden, TooManyRequests, Unavailable]
    })
      .middleware(JsonPayload)
      .middleware(AdminOnly)
      .annotateMerge(summary("Create a poll")),
    HttpApiEndpoint.patch("editPoll", "/api/polls/:slug", {
      ...inPoll,
      headers: {
        "if-match": Schema.optionalKey(Schema.String).annotate({
          description: "The `ETag` that came with the poll, or `*` for any version"
        })
      },
      payload: PollEdit,
      success: Versioned,
      error: [InvalidFields, NotFound, Forbidden, Unchangeable, Stale, VersionMissing, TooManyRequests, Unavailable]
    })
      .middleware(JsonPayload)
      .middleware(AdminOnly)
      .annotateMerge(
        summary(
          "Change a poll",
          "Only the fields given change; null takes a description or a time away. From the first vote on: title, description, labels, the closing time, `listed`, `archived`, and results towards more open. What decides over votes can change in a poll that is open and has none; it is closed for 10 s then."
        )
      ),
    HttpApiEndpoint.post("reopenPoll", "/api/polls/:slug/reopen", {
      ...inPoll,
      payload: Schema.Struct({ closes_at: Schema.optionalKey(Timestamp) }),
      success: Versioned,
      error: [InvalidFields, NotFound, Unchangeable, TooManyRequests, Unavailable]
    })
      .middleware(JsonPayload)
      .middleware(AdminOnly)
      .annotateMerge(
        summary(
          "Open a poll again",
          "Votes that came after its closing stay rejected. Its result is not final any more."
        )
      ),
    HttpApiEndpoint.post("duplicatePoll", "/api/polls/:slug/duplicate", {
      ...inPoll,
      payload: Schema.Struct({ slug: PollSlug, title: Schema.optionalKey(PollDefinition.fields.title) }),
      success: Made,
      error: [InvalidFields, NotFound, PollExists, TooManyRequests, Unavailable]
    })
      .middleware(JsonPayload)
      .middleware(AdminOnly)
      .annotateMerge(summary("Copy a poll", "The copy is a draft without times.")),
    HttpApiEndpoint.post("archivePoll", "/api/polls/:slug/archive", {
      ...inPoll,
      success: Versioned,
      error: [NotFound, TooManyRequests, Unavailable]
    })
      .middleware(AdminOnly)
      .annotateMerge(
        summary(
          "Archive a poll",
          "It is gone from the lists; its address stays. `PATCH` with `archived: false` takes it back."
        )
      ),
    HttpApiEndpoint.delete("deletePoll", "/api/polls/:slug", {
      ...inPoll,
      query: { slug: Schema.optionalKey(Schema.String).annotate({ description: "The poll's slug once more" }) },
      success: HttpApiSchema.NoContent,
      error: [InvalidFields, NotFound, Unchangeable, TooManyRequests, Unavailable]
    })
      .middleware(AdminOnly)
      .annotateMerge(summary("Delete a draft or an archived poll", "Its votes and voters go with it, for good.")),
    HttpApiEndpoint.get("pollEvents", "/api/polls/:slug/events", {
      ...inPoll,
      query: eventsQuery,
      success: AdminEvents,
      error: [InvalidFields, TooManyRequests, Unavailable]
    })
      .middleware(AdminOnly)
      .annotateMerge(
        summary("What organisers did with a poll", "The latest first. It stays when the poll is deleted.")
      ),
    HttpApiEndpoint.post("closePoll", "/api/polls/:slug/close", {
      ...inPoll,
      success: Versioned,
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
        cursor: Schema.optionalKey(Schema.String).annotate({ description: "The `next` of the page before" }),
        q: Schema.optionalKey(Schema.String).annotate({
          description: "With the admin's token: a part of the title or the slug"
        }),
        status: Schema.optionalKey(Schema.String).annotate({
          description: `With the admin's token: one of ${searchable.join(", ")}; all that are not archived where it is not given`
        })
      },
      success: Schema.Struct({
        polls: Schema.Array(PollView),
        next: Schema.optionalKey(Schema.String).annotate({
          description: "The cursor of the next page; without it, this is the last one"
        })
      }),
      error: [Malformed, InvalidFields, TooManyRequests, Unavailable]
    })
      .annotateMerge(
        summary(
          "Polls, the newest first, in pages",
          "The admin sees all; anyone else those that are `listed`. Polls that are made meanwhile move no page. Send the `ETag` back as `If-None-Match` for a `304` while nothing has changed."
        )
      )
      .annotateMerge(describesTag),
    HttpApiEndpoint.get("poll", "/api/polls/:slug", {
      ...inPoll,
      success: Versioned,
      error: [NotFound, TooManyRequests, Unavailable]
    }).annotateMerge(summary("A poll", "A draft is shown to the admin."))
  )
  .middleware(ProblemAnswers)
  // Unknown fields are refused, and each wrong one is named.
  .annotate(HttpApi.PayloadParseOptions, { onExcessProperty: "error", errors: "all" })
