import { Effect } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { defaultPoll } from "../domain/Poll.ts"
import { Api } from "./Api.ts"
import { LiveResults, type Snapshot } from "./LiveResults.ts"
import { problemResponse } from "./Problem.ts"

export const layerResults = HttpApiBuilder.group(
  Api,
  "results",
  Effect.fnUntraced(function* (handlers) {
    const results = yield* LiveResults
    const read =
      (poll: string) =>
      ({ request }: { readonly request: HttpServerRequest.HttpServerRequest }) =>
        Effect.match(results.current(poll), {
          onSuccess: (snapshot) => snapshotResponse(snapshot, request.headers["if-none-match"]),
          onFailure: (problem) =>
            problemResponse(problem, request.url, problem._tag === "Unavailable" ? { "retry-after": "1" } : {})
        })
    return handlers.handleRaw("results", read(defaultPoll.slug)).handleRaw("resultsShort", read(defaultPoll.slug))
  })
)

const snapshotResponse = ({ body, etag }: Snapshot, ifNoneMatch: string | undefined) => {
  const headers = { etag, "cache-control": "public, max-age=2" }
  return ifNoneMatch !== undefined && matches(ifNoneMatch, etag)
    ? HttpServerResponse.empty({ status: 304, headers })
    : HttpServerResponse.text(body, { contentType: "application/json", headers })
}

/** Whether an `If-None-Match` names the tag, by the weak comparison that RFC 9110 asks for. */
const matches = (ifNoneMatch: string, etag: string): boolean =>
  ifNoneMatch.trim() === "*" || ifNoneMatch.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag)
