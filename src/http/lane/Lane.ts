import { Cause, Effect } from "effect"
import { HttpSettings } from "../HttpSettings.ts"
import type { RateLimiters } from "../middleware/RateLimit.ts"
import { Probes } from "../operations/Probes.ts"
import type { Lane } from "./LaneRequests.ts"
import { type Duties, makeLaneResponses } from "./LaneResponses.ts"
import { makeMetricsLane } from "./MetricsLane.ts"
import { makeAssetsLane, makePagesLane } from "./PagesLane.ts"
import { makePollsLane } from "./PollsLane.ts"
import { makeEventsLane, makeResultsLane } from "./ResultsLane.ts"
import { makeVoteLane } from "./VoteLane.ts"

/**
 * Makes the fast lane. What nearly all requests are, a plain vote, a look at live results, at a poll or at the metrics, goes from Node's request to
 * Node's response by way of the same functions that the app is made of, without the app around them. Whatever is out of the
 * ordinary, the lane leaves to the app; `test/http/lane/lane.test.ts` holds the answers of both together.
 */
export const makeLane = Effect.fnUntraced(function* (duties: Duties, limiters: Pick<RateLimiters, "votes" | "reads">) {
  const responses = makeLaneResponses(duties)
  const votes = yield* makeVoteLane(responses, limiters.votes)
  const results = yield* makeResultsLane(responses, limiters.reads)
  const events = yield* makeEventsLane(responses, limiters.reads)
  const pages = yield* makePagesLane(responses, limiters.reads)
  const assets = yield* makeAssetsLane(responses, limiters.reads)
  const polls = yield* makePollsLane(responses, limiters.reads)
  const { managementPort } = yield* HttpSettings
  const metrics: Lane = managementPort === undefined ? makeMetricsLane(responses, (yield* Probes).metrics) : () => false
  const run = Effect.runForkWith(yield* Effect.context<never>())
  const lane: Lane = (request, response) =>
    votes(request, response) ||
    results(request, response) ||
    events(request, response) ||
    pages(request, response) ||
    assets(request, response) ||
    polls(request, response) ||
    metrics(request, response)
  const guarded: Lane = (request, response) => {
    try {
      return lane(request, response)
    } catch (defect) {
      // Node would end the process, with all that others wait for.
      run(Effect.logError("The fast lane failed", Cause.die(defect)))
      if (!response.headersSent) return false
      response.destroy()
      return true
    }
  }
  return guarded
})
