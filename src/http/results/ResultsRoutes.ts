import { NodeHttpServerRequest } from "@effect/platform-node"
import { Effect } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { defaultPoll, type Poll } from "../../domain/Poll.ts"
import { Api } from "../Api.ts"
import { refusalResponse } from "../Problem.ts"
import { PollCache } from "../polls/PollCache.ts"
import { resultsCsv } from "./Csv.ts"
import { LiveResults, type Snapshot } from "./LiveResults.ts"
import { LiveStreams } from "./LiveStreams.ts"
import { Visibility } from "./Visibility.ts"

type Request = HttpServerRequest.HttpServerRequest

interface Asked {
  readonly request: Request
}

interface AskedOf extends Asked {
  readonly params: { readonly slug: string }
}

export const layerResultsRoutes = HttpApiBuilder.group(
  Api,
  "results",
  Effect.fnUntraced(function* (handlers) {
    const polls = yield* PollCache
    const results = yield* LiveResults
    const streams = yield* LiveStreams
    const visibility = yield* Visibility

    /** Answers with what `show` makes of the poll, once it is clear that the asker may see its results. */
    const answer = <E extends Parameters<typeof refusalResponse>[0]>(
      slug: string,
      request: Request,
      show: (poll: Poll) => Effect.Effect<HttpServerResponse.HttpServerResponse, E>
    ) =>
      polls.get(slug).pipe(
        Effect.tap((poll) => visibility.check(poll, request)),
        Effect.flatMap(show),
        Effect.match({
          onSuccess: (response) => response,
          onFailure: (problem) => refusalResponse(problem, request.url)
        })
      )

    const read = (slug: string, request: Request) =>
      answer(slug, request, (poll) =>
        Effect.map(results.current(slug), (snapshot) =>
          snapshotResponse(poll, snapshot, request.headers["if-none-match"])
        )
      )

    const stream = (slug: string, request: Request) => {
      const drop = () => void NodeHttpServerRequest.toServerResponse(request).destroy()
      return answer(slug, request, () =>
        Effect.map(streams.watch(slug, request.headers["last-event-id"], drop), (frames) =>
          request.method === "HEAD"
            ? HttpServerResponse.empty({
                status: 200,
                headers: { ...streamHeaders, "content-type": "text/event-stream" }
              })
            : HttpServerResponse.stream(frames, { contentType: "text/event-stream", headers: streamHeaders })
        )
      )
    }

    const csv = (slug: string, request: Request) =>
      answer(slug, request, (poll) =>
        Effect.map(results.current(slug), (snapshot) =>
          HttpServerResponse.text(resultsCsv(poll, snapshot.results), {
            contentType: "text/csv; charset=utf-8",
            headers: { "cache-control": "no-store", "content-disposition": `attachment; filename="${poll.slug}.csv"` }
          })
        )
      )

    return handlers
      .handleRaw("results", ({ request }: Asked) => read(defaultPoll.slug, request))
      .handleRaw("resultsShort", ({ request }: Asked) => read(defaultPoll.slug, request))
      .handleRaw("resultsStream", ({ request }: Asked) => stream(defaultPoll.slug, request))
      .handleRaw("resultsOf", ({ params, request }: AskedOf) => read(params.slug, request))
      .handleRaw("resultsStreamOf", ({ params, request }: AskedOf) => stream(params.slug, request))
      .handleRaw("resultsCsvOf", ({ params, request }: AskedOf) => csv(params.slug, request))
  })
)

/** A proxy that gathers up events would hold them back. */
export const streamHeaders = { "cache-control": "no-store", "x-accel-buffering": "no" }

/** Results that not everyone may see, nothing between keeps. */
export const snapshotHeaders = (poll: Poll, etag: string) => ({
  etag,
  "cache-control": poll.results === "live" ? "public, max-age=2" : "private, no-store"
})

const snapshotResponse = (poll: Poll, { body, etag }: Snapshot, ifNoneMatch: string | undefined) => {
  const headers = snapshotHeaders(poll, etag)
  return ifNoneMatch !== undefined && matchesTag(ifNoneMatch, etag)
    ? HttpServerResponse.empty({ status: 304, headers })
    : HttpServerResponse.text(body, { contentType: "application/json", headers })
}

/** Whether an `If-None-Match` names the tag, by the weak comparison that RFC 9110 asks for. */
export const matchesTag = (ifNoneMatch: string, etag: string): boolean =>
  // As nearly all send it: back as they got it.
  ifNoneMatch === etag ||
  ifNoneMatch.trim() === "*" ||
  ifNoneMatch.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag)
