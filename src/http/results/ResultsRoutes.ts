import { NodeHttpServerRequest } from "@effect/platform-node"
import { Deferred, Effect, Stream } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { defaultPoll, type Poll } from "../../domain/Poll.ts"
import { VoteStream } from "../../stream/VoteStream.ts"
import { Api } from "../Api.ts"
import { jsonResponse } from "../ETag.ts"
import { Lifecycle } from "../Lifecycle.ts"
import { problemResponse } from "../Problem.ts"
import { PollCache } from "../polls/PollCache.ts"
import { awaitFrames } from "./AwaitFrames.ts"
import { resultsCsv } from "./Csv.ts"
import { LiveResults } from "./LiveResults.ts"
import { LiveStreams } from "./LiveStreams.ts"
import { eventsHeaders, pollTime, snapshotHeaders } from "./ResultsHeaders.ts"
import { frameOfPoll } from "./Viewer.ts"
import { ViewerPlaces } from "./ViewerPlaces.ts"
import { Visibility } from "./Visibility.ts"

type Request = HttpServerRequest.HttpServerRequest

/**
 * A poll's results as JSON, as events and as CSV. The handlers are raw: the same bytes go to all who ask, made once for each
 * reading of the results, and a stream is no value that a schema could encode. `test/http/describedAnswers.test.ts` holds them
 * to the description.
 */
export const layerResultsRoutes = HttpApiBuilder.group(
  Api,
  "results",
  Effect.fnUntraced(function* (handlers) {
    const polls = yield* PollCache
    const results = yield* LiveResults
    const streams = yield* LiveStreams
    const stop = Deferred.await((yield* Lifecycle).stop)
    const visibility = yield* Visibility
    const places = yield* ViewerPlaces
    const { now } = yield* VoteStream

    /** Answers with what `show` makes of the poll, once it is clear that whoever asks may see its results. */
    const answer = <E extends Parameters<typeof problemResponse>[0]>(
      slug: string,
      request: Request,
      show: (poll: Poll) => Effect.Effect<HttpServerResponse.HttpServerResponse, E>
    ) =>
      polls.get(slug).pipe(
        Effect.tap((poll) => visibility.check(poll, request)),
        Effect.flatMap(show),
        Effect.catch((problem) => Effect.succeed(problemResponse(problem, request.url, pollTime(now()))))
      )

    const read = (slug: string, request: Request) =>
      answer(slug, request, (poll) =>
        Effect.map(results.shown(poll), (snapshot) =>
          jsonResponse(snapshot.body, snapshotHeaders(poll, snapshot.etag, now()), request.headers["if-none-match"])
        )
      )

    const stream = (slug: string, request: Request) => {
      const drop = () => void NodeHttpServerRequest.toServerResponse(request).destroy()
      const watching = streams.watch(slug, request.headers["last-event-id"], drop)
      // The stream begins with what was read last.
      const watch = (poll: Poll) =>
        poll.results === "after_close" ? Effect.andThen(results.shown(poll), watching) : watching
      const shown = (poll: Poll) => Effect.andThen(visibility.check(poll, request), watch(poll))
      const frames = polls.get(slug).pipe(
        Effect.flatMap((poll) =>
          shown(poll).pipe(
            // They will be for all: who waits for them gets them as soon as they are, and hears of changes until then. By then it may
            // be another poll of that name.
            Effect.catchTag("ResultsHidden", () => {
              const versions = Stream.map(visibility.whileHidden(slug), frameOfPoll)
              return Effect.succeed(awaitFrames(stop, Effect.flatMap(polls.get(slug), shown), versions))
            })
          )
        )
      )
      return frames.pipe(
        Effect.catchTag("Unavailable", () => Effect.succeed(awaitFrames(stop, frames))),
        Effect.map((found) =>
          request.method === "HEAD"
            ? HttpServerResponse.empty({ status: 200, headers: eventsHeaders })
            : HttpServerResponse.stream(found, { contentType: eventsHeaders["content-type"], headers: eventsHeaders })
        ),
        Effect.catch((problem) => Effect.succeed(problemResponse(problem, request.url)))
      )
    }

    /** Lets a viewer watch where there is a place for it; who only asks for the headers needs none. */
    const admitted = <E>(request: Request, watching: Effect.Effect<HttpServerResponse.HttpServerResponse, E>) => {
      const incoming = NodeHttpServerRequest.toIncomingMessage(request)
      if (request.method === "HEAD" || places.take(incoming, NodeHttpServerRequest.toServerResponse(request))) {
        return watching
      }
      // Whoever finds no place must not go on to hold a connection.
      return Effect.succeed(problemResponse(places.refuse(incoming), request.url, { connection: "close" }))
    }

    const csv = (slug: string, request: Request) =>
      answer(slug, request, (poll) =>
        Effect.map(results.shown(poll), (snapshot) =>
          HttpServerResponse.text(resultsCsv(poll, snapshot.results), {
            contentType: "text/csv; charset=utf-8",
            headers: { "cache-control": "no-store", "content-disposition": `attachment; filename="${poll.slug}.csv"` }
          })
        )
      )

    return handlers
      .handleRaw("results", ({ request }) => read(defaultPoll.slug, request))
      .handleRaw("resultsShort", ({ request }) => read(defaultPoll.slug, request))
      .handleRaw("resultsStream", ({ request }) => admitted(request, stream(defaultPoll.slug, request)))
      .handleRaw("resultsOf", ({ params, request }) => read(params.slug, request))
      .handleRaw("resultsStreamOf", ({ params, request }) => admitted(request, stream(params.slug, request)))
      .handleRaw("resultsCsvOf", ({ params, request }) => csv(params.slug, request))
  })
)
