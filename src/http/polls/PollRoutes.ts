import { Effect } from "effect"
import { HttpApiBuilder, HttpApiSchema } from "effect/http-api"
import { fromDefinition, type Poll, toView } from "../../domain/Poll.ts"
import { InvalidFields, OutOfService, Unavailable } from "../../domain/Problems.ts"
import { PollStore } from "../../ledger/PollStore.ts"
import { VoteStream } from "../../stream/VoteStream.ts"
import { Api } from "../Api.ts"
import { jsonResponse, publicBriefly } from "../ETag.ts"
import { HttpSettings } from "../HttpSettings.ts"
import { missingFor, Voters } from "../voting/Voters.ts"
import { PollCache } from "./PollCache.ts"
import { invalidCursor, makePollPages, parsePageQuery } from "./PollPages.ts"

const unavailable = new Unavailable({ detail: "Polls can't be changed for now" })

/** Tells the client of an outage of Redis or PostgreSQL. */
const orUnavailable = <A, E, R>(effect: Effect.Effect<A, E | OutOfService, R>) =>
  Effect.mapError(effect, (error) => (error instanceof OutOfService ? unavailable : error))

/** Shows polls to anyone; makes and closes them for the admin. */
export const layerPollRoutes = HttpApiBuilder.group(
  Api,
  "polls",
  Effect.fnUntraced(function* (handlers) {
    const polls = yield* PollCache
    const store = yield* PollStore
    const stream = yield* VoteStream
    const voters = yield* Voters
    const settings = yield* HttpSettings
    const view = (poll: Poll) => toView(poll, stream.now())

    const pageOf = makePollPages(polls)

    /** Answers with a page of the list. The handler is raw: the same bytes go to all who ask. */
    const list = Effect.fnUntraced(
      function* (query: Parameters<typeof parsePageQuery>[0], ifNoneMatch: string | undefined) {
        const asked = parsePageQuery(query)
        if (asked instanceof InvalidFields) return yield* asked
        // It may have been made a moment ago, at another process.
        if (asked.after !== undefined) yield* polls.get(asked.after)
        const { body, etag } = pageOf(asked, stream.now())
        return jsonResponse(body, { etag, "cache-control": publicBriefly }, ifNoneMatch)
      },
      Effect.catchTag("NotFound", () => Effect.fail(invalidCursor))
    )

    return handlers
      .handleRaw("polls", ({ query, request }) => list(query, request.headers["if-none-match"]))
      .handle("poll", ({ params }) => Effect.map(polls.get(params.slug), view))
      .handle(
        "createPoll",
        Effect.fnUntraced(function* ({ payload }) {
          const defined = fromDefinition(payload)
          const missing = missingFor(defined, settings)
          if (missing !== undefined) return yield* missing
          const poll = yield* store.create(defined)
          yield* polls.changed(poll.slug)
          return HttpApiSchema.withHeaders({
            body: view(poll),
            headers: { location: `/api/polls/${poll.slug}` }
          })
        }, orUnavailable)
      )
      .handle(
        "closePoll",
        Effect.fnUntraced(function* ({ params }) {
          const { slug } = yield* polls.get(params.slug)
          yield* store.close(slug, yield* stream.closingTime)
          yield* polls.changed(slug)
          return view(yield* polls.get(slug))
        }, orUnavailable)
      )
      .handle(
        "issueTokens",
        Effect.fnUntraced(function* ({ params, payload }) {
          const poll = yield* polls.get(params.slug)
          const tokens = yield* voters.issueTokens(poll, payload.count)
          yield* store.tellTokens(poll.slug, tokens.length)
          return { tokens }
        }, orUnavailable)
      )
  })
)
