import { Effect, type Schema } from "effect"
import { HttpServerRequest } from "effect/http"
import { HttpApiBuilder, HttpApiSchema } from "effect/http-api"
import type { Poll } from "../../domain/Poll.ts"
import { toView } from "../../domain/PollView.ts"
import { InvalidFields, OutOfService, Unavailable, VersionMissing } from "../../domain/Problems.ts"
import { PollActs } from "../../ledger/PollActs.ts"
import { VoteStream } from "../../stream/VoteStream.ts"
import { Api } from "../Api.ts"
import { jsonResponse, publicBriefly } from "../ETag.ts"
import { HttpSettings } from "../HttpSettings.ts"
import { SignIns } from "../SignIns.ts"
import { missingFor } from "../voting/MissingFor.ts"
import { Voters } from "../voting/Voters.ts"
import { PollCache } from "./PollCache.ts"
import { makePollLife } from "./PollLife.ts"
import { invalidCursor, makePage, makePollPages, parsePageQuery } from "./PollPages.ts"
import type { eventsQuery } from "./PollsApi.ts"
import { versionTag } from "./VersionTag.ts"

const unavailable = new Unavailable({ detail: "Polls can't be changed for now" })

/** Tells the client of an outage of Redis or PostgreSQL, and the log what it was. */
const orUnavailable = <A, E, R>(effect: Effect.Effect<A, E | OutOfService, R>) =>
  effect.pipe(
    Effect.tapError((error) =>
      error instanceof OutOfService ? Effect.logWarning(`${unavailable.detail}: ${error.message}`) : Effect.void
    ),
    Effect.mapError((error) => (error instanceof OutOfService ? unavailable : error))
  )

const eventsAPage = 100

/** Shows polls to anyone; makes, changes and closes them for the admin. */
export const layerPollRoutes = HttpApiBuilder.group(
  Api,
  "polls",
  Effect.fnUntraced(function* (handlers) {
    const polls = yield* PollCache
    const acts = yield* PollActs
    const stream = yield* VoteStream
    const voters = yield* Voters
    const signIns = yield* SignIns
    const settings = yield* HttpSettings
    const life = makePollLife({
      acts,
      now: Effect.sync(stream.now),
      closingTime: stream.closingTime,
      shutPoll: stream.shutPoll,
      unshutPoll: stream.unshutPoll,
      countedUpTo: stream.countedUpTo,
      changed: polls.changed
    })
    const shown = (poll: Poll) =>
      HttpApiSchema.withHeaders({ body: toView(poll, stream.now()), headers: { etag: versionTag(poll) } })
    const made = (poll: Poll) =>
      HttpApiSchema.withHeaders({
        body: toView(poll, stream.now()),
        headers: { location: `/api/polls/${poll.slug}`, etag: versionTag(poll) }
      })

    const pageOf = makePollPages(polls)

    /** Answers with a page of the list. The handler is raw: the same bytes go to all who ask, but for the admin. */
    const list = Effect.fnUntraced(
      function* (query: Parameters<typeof parsePageQuery>[0], request: HttpServerRequest.HttpServerRequest) {
        const isAdmin = yield* signIns.isAdmin(request)
        const asked = parsePageQuery(query, isAdmin)
        if (asked instanceof InvalidFields) return yield* asked
        const now = stream.now()
        const ifNoneMatch = request.headers["if-none-match"]
        if (isAdmin) {
          if (asked.after !== undefined) yield* life.find(asked.after)
          const { body, etag } = makePage(
            yield* acts.search({ ...asked, limit: asked.limit + 1 }, now),
            asked.limit,
            now
          )
          return jsonResponse(body, { etag, "cache-control": "private, no-cache", vary: "Authorization" }, ifNoneMatch)
        }
        // It may have been made a moment ago, at another process.
        if (asked.after !== undefined) yield* polls.get(asked.after)
        const { body, etag } = pageOf(asked, now)
        return jsonResponse(body, { etag, "cache-control": publicBriefly, vary: "Authorization" }, ifNoneMatch)
      },
      Effect.catchTag("NotFound", () => Effect.fail(invalidCursor)),
      orUnavailable
    )

    /** Returns a poll for anyone, or a draft, too, for the admin. */
    const show = Effect.fnUntraced(function* (slug: string) {
      const known = polls.find(slug)
      if (known !== undefined && (yield* HttpServerRequest.HttpServerRequest).headers.authorization === undefined)
        return known
      const isAdmin = yield* signIns.isAdmin(yield* HttpServerRequest.HttpServerRequest)
      return yield* isAdmin ? life.find(slug) : polls.get(slug)
    }, orUnavailable)

    const events = Effect.fnUntraced(function* (slug: string, { cursor }: Schema.Schema.Type<typeof eventsQuery>) {
      if (cursor !== undefined && !/^\d{1,9}$/.test(cursor)) return yield* invalidCursor
      const found = yield* acts.events(slug, eventsAPage + 1, cursor === undefined ? undefined : Number(cursor))
      const last = found.length > eventsAPage ? found[eventsAPage - 1] : undefined
      return { events: found.slice(0, eventsAPage), ...(last === undefined ? {} : { next: String(last.id) }) }
    }, orUnavailable)

    const edit = Effect.fnUntraced(function* (
      slug: string,
      payload: Parameters<typeof life.edit>[1],
      ifMatch: string | undefined
    ) {
      if (ifMatch === undefined) return yield* versionMissing
      const missing = missingFor({ identity: payload.identity ?? "anyone", ...challengeOf(payload) }, settings)
      if (missing !== undefined) return yield* missing
      return shown(
        yield* life.edit(
          slug,
          payload,
          ifMatch.split(",").map((tag) => tag.trim())
        )
      )
    }, orUnavailable)

    return handlers
      .handleRaw("polls", ({ query, request }) => list(query, request))
      .handle("poll", ({ params }) => Effect.map(show(params.slug), shown))
      .handle(
        "createPoll",
        Effect.fnUntraced(function* ({ payload }) {
          const missing = missingFor({ identity: payload.identity, ...challengeOf(payload) }, settings)
          if (missing !== undefined) return yield* missing
          return made(yield* life.create(payload))
        }, orUnavailable)
      )
      .handle("editPoll", ({ headers, params, payload }) => edit(params.slug, payload, headers["if-match"]))
      .handle("closePoll", ({ params }) => orUnavailable(Effect.map(life.close(params.slug), shown)))
      .handle("reopenPoll", ({ params, payload }) =>
        orUnavailable(
          Effect.map(
            life.reopen(params.slug, payload.closes_at === undefined ? undefined : Date.parse(payload.closes_at)),
            shown
          )
        )
      )
      .handle("duplicatePoll", ({ params, payload }) =>
        orUnavailable(Effect.map(life.duplicate(params.slug, payload.slug, payload.title), made))
      )
      .handle("archivePoll", ({ params }) => orUnavailable(Effect.map(life.archive(params.slug), shown)))
      .handle("deletePoll", ({ params, query }) => orUnavailable(life.remove(params.slug, query.slug)))
      .handle("pollEvents", ({ params, query }) => events(params.slug, query))
      .handle(
        "issueTokens",
        Effect.fnUntraced(function* ({ params, payload }) {
          const poll = yield* life.find(params.slug)
          const tokens = yield* voters.issueTokens(poll, payload.count)
          yield* acts.tellTokens(poll.slug, tokens.length)
          return { tokens }
        }, orUnavailable)
      )
  })
)

const challengeOf = ({ challenge }: { readonly challenge?: "none" | "pow" }) =>
  challenge === "pow" ? { challenge } : {}

const versionMissing = new VersionMissing({
  detail: "A change says which version of the poll it is based on: If-Match with the ETag that came with it"
})
