import { Clock, Effect } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { fromDefinition, type Poll, PollDefinition, toView } from "../../domain/Poll.ts"
import { type OutOfService, type Problem, Unavailable } from "../../domain/Problems.ts"
import { PollStore } from "../../ledger/PollStore.ts"
import { VoteStream } from "../../stream/VoteStream.ts"
import { Api, TokenRequest } from "../Api.ts"
import { readJson } from "../body/JsonBody.ts"
import { HttpSettings } from "../HttpSettings.ts"
import { refusalResponse } from "../Problem.ts"
import { noSecret, Voters } from "../voting/Voters.ts"
import { checkAdmin } from "./AdminToken.ts"
import { PollCache } from "./PollCache.ts"

type Request = HttpServerRequest.HttpServerRequest

interface Asked {
  readonly request: Request
}

interface AskedOf extends Asked {
  readonly params: { readonly slug: string }
}

const noStore = { "cache-control": "no-store" }

const json = (body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}) =>
  HttpServerResponse.jsonUnsafe(body, { status, headers: { ...noStore, ...headers } })

/** Polls: looked at by anyone, made and closed by the admin. */
export const layerPollRoutes = HttpApiBuilder.group(
  Api,
  "polls",
  Effect.fnUntraced(function* (handlers) {
    const polls = yield* PollCache
    const store = yield* PollStore
    const stream = yield* VoteStream
    const voters = yield* Voters
    const { adminToken, maxRequestSize, voterSecret } = yield* HttpSettings

    const answer = <E extends Problem | OutOfService>(
      request: Request,
      response: Effect.Effect<HttpServerResponse.HttpServerResponse, E>
    ) =>
      Effect.match(response, {
        onSuccess: (done) => done,
        onFailure: (problem) => refusalResponse(isOutage(problem) ? unavailable : problem, request.url)
      })

    const view = (poll: Poll) => Effect.map(Clock.currentTimeMillis, (now) => toView(poll, now))

    const list = ({ request }: Asked) =>
      answer(
        request,
        Effect.map(Effect.forEach(polls.all(), view), (all) => json({ polls: all }))
      )

    const show = ({ params, request }: AskedOf) =>
      answer(
        request,
        polls.get(params.slug).pipe(
          Effect.flatMap(view),
          Effect.map((poll) => json(poll))
        )
      )

    const create = ({ request }: Asked) =>
      answer(
        request,
        Effect.gen(function* () {
          yield* checkAdmin(adminToken, request)
          const poll = fromDefinition(yield* readJson(request, maxRequestSize, PollDefinition))
          if (poll.identity !== "anyone" && voterSecret === undefined) return yield* noSecret
          yield* store.create(poll)
          yield* polls.changed(poll.slug)
          return json(yield* view(poll), 201, { location: `/api/polls/${poll.slug}` })
        })
      )

    const close = ({ params, request }: AskedOf) =>
      answer(
        request,
        Effect.gen(function* () {
          yield* checkAdmin(adminToken, request)
          const { slug } = yield* polls.get(params.slug)
          yield* store.close(slug, yield* stream.now)
          yield* polls.changed(slug)
          return json(yield* view(yield* polls.get(slug)))
        })
      )

    const issueTokens = ({ params, request }: AskedOf) =>
      answer(
        request,
        Effect.gen(function* () {
          yield* checkAdmin(adminToken, request)
          const poll = yield* polls.get(params.slug)
          const { count } = yield* readJson(request, maxRequestSize, TokenRequest)
          return json({ tokens: yield* voters.issueTokens(poll, count) }, 201)
        })
      )

    return handlers
      .handleRaw("polls", list)
      .handleRaw("createPoll", create)
      .handleRaw("poll", show)
      .handleRaw("closePoll", close)
      .handleRaw("issueTokens", issueTokens)
  })
)

const isOutage = (problem: Problem | OutOfService): problem is OutOfService => "part" in problem

const unavailable = new Unavailable({ detail: "Polls can't be changed for now" })
