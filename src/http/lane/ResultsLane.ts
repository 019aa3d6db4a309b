import { Effect } from "effect"
import { defaultPoll, type Poll } from "../../domain/Poll.ts"
import { LiveResults, type Snapshot } from "../LiveResults.ts"
import { Polls } from "../Polls.ts"
import { matchesTag, snapshotHeaders } from "../ResultsRoutes.ts"
import { type Answer, isOrdinary, type Lane, slugIn } from "./Lane.ts"

const json = ["content-type", "application/json"]

/** Made once for each reading of the results. */
const heads = new WeakMap<Snapshot, Array<string>>()

const headersOf = (poll: Poll, snapshot: Snapshot): Array<string> => {
  const made = heads.get(snapshot) ?? Object.entries(snapshotHeaders(poll, snapshot.etag)).flat()
  heads.set(snapshot, made)
  return made
}

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
    const known = headers["if-none-match"]
    const own = headersOf(poll, snapshot)
    if (known !== undefined && matchesTag(known, etag)) answer(exchange, 304, own, "")
    else answer(exchange, 200, own.concat(json), body, length)
    return true
  }
  return lane
})
