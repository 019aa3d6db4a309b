import { Effect } from "effect"
import { defaultPoll } from "../../domain/Poll.ts"
import { LiveResults } from "../LiveResults.ts"
import { Polls } from "../Polls.ts"
import { matchesTag, snapshotHeaders } from "../ResultsRoutes.ts"
import { type Answer, isOrdinary, type Lane, slugIn } from "./Lane.ts"

/** Results that anyone may see, while those read last are fresh. */
export const makeResultsLane = Effect.fnUntraced(function* (answer: Answer) {
  const polls = yield* Polls
  const results = yield* LiveResults

  const lane: Lane = (request, response) => {
    const { headers, method, url = "/" } = request
    if (method !== "GET" || !isOrdinary(request)) return false
    const short = url === "/api/results" || url === "/results"
    const slug = short ? defaultPoll.slug : slugIn(url, "/results")
    const poll = slug === undefined ? undefined : polls.find(slug)
    if (poll?.results !== "live") return false
    const snapshot = results.fresh(poll.slug)
    if (snapshot === undefined) return false
    const { body, etag, length } = snapshot
    const exchange = {
      request,
      response,
      route: short ? url : "/api/polls/:slug/results",
      started: performance.now()
    }
    const own = Object.entries(snapshotHeaders(poll, etag)).flat()
    const known = headers["if-none-match"]
    if (known !== undefined && matchesTag(known, etag)) answer(exchange, 304, own, "")
    else answer(exchange, 200, ["content-type", "application/json", ...own], body, length)
    return true
  }
  return lane
})
