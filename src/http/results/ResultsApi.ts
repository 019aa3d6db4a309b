import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { NotFound, ResultsHidden, TooManyRequests, Unavailable } from "../../domain/Problems.ts"
import { Results } from "../../domain/Tally.ts"
import { describesTag, inPoll, summary } from "../Describe.ts"

const errors = [NotFound, ResultsHidden, TooManyRequests, Unavailable] as const

const readResults = { success: Results, error: errors }

const events = {
  success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/event-stream" })),
  error: [NotFound, TooManyRequests, Unavailable] as const
}

const eventsAbout =
  "Server-Sent Events: `event: tally`, `id` the revision and the ledger's epoch (`12-9f86d081`), `data` the body of the results; the present state at once, then each change, at most ten a second. While results are hidden from who asks, `event: poll` with the poll's version at once and after each change; they come as soon as all may see them."

export const ResultsGroup = HttpApiGroup.make("results").add(
  HttpApiEndpoint.get("results", "/api/results", readResults)
    .annotateMerge(
      summary(
        "The default poll's results",
        "At most 2 s old. Send the `ETag` back as `If-None-Match` for a `304` while nothing has changed."
      )
    )
    .annotateMerge(describesTag),
  HttpApiEndpoint.get("resultsShort", "/results", readResults)
    .annotateMerge(summary("Short for `GET /api/results`"))
    .annotateMerge(describesTag),
  HttpApiEndpoint.get("resultsStream", "/api/results/stream", events).annotateMerge(
    summary("The default poll's results, live", eventsAbout)
  ),
  HttpApiEndpoint.get("resultsOf", "/api/polls/:slug/results", { ...readResults, ...inPoll })
    .annotateMerge(summary("A poll's results"))
    .annotateMerge(describesTag),
  HttpApiEndpoint.get("resultsStreamOf", "/api/polls/:slug/results/stream", { ...events, ...inPoll }).annotateMerge(
    summary("A poll's results, live", eventsAbout)
  ),
  HttpApiEndpoint.get("resultsCsvOf", "/api/polls/:slug/results.csv", {
    ...inPoll,
    success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/csv" })),
    error: errors
  }).annotateMerge(summary("A poll's results for a spreadsheet"))
)
