import type { IncomingMessage } from "node:http"
import { Effect } from "effect"
import { defaultPoll, type Poll } from "../../domain/Poll.ts"
import { VoteStream } from "../../stream/VoteStream.ts"
import { PollCache } from "../polls/PollCache.ts"
import type { RateLimiter } from "../RateLimiter.ts"
import { LiveResults, type Snapshot } from "../results/LiveResults.ts"
import { LiveStreams } from "../results/LiveStreams.ts"
import { eventsHeaders, snapshotHeaders } from "../results/ResultsHeaders.ts"
import { ResponseOutlet } from "../results/Viewer.ts"
import { ViewerPlaces } from "../results/ViewerPlaces.ts"
import { isOrdinary, type Lane, makeMayRead, pollPath, slugIn } from "./LaneRequests.ts"
import { type KeptAnswer, keepAnswer, type LaneResponses } from "./LaneResponses.ts"

/** The paths of what belongs to a poll: `<prefix><slug><rest>`, and short ones for the default poll. */
interface PollPaths {
  readonly prefix: string
  readonly rest: string
  readonly ofDefault: ReadonlyArray<string>
}

interface Found {
  readonly route: string
  readonly poll: Poll
  readonly snapshot: Snapshot
}

/**
 * Makes the function that finds the poll that a request asks for at one of the paths, with its results. It finds them where anyone may
 * see them and the last reading is fresh.
 */
export const makeFind = Effect.fnUntraced(function* (
  limiter: RateLimiter | undefined,
  { ofDefault, prefix, rest }: PollPaths
) {
  const polls = yield* PollCache
  const results = yield* LiveResults
  const mayRead = yield* makeMayRead(limiter)
  return (request: IncomingMessage): Found | undefined => {
    const { method, url = "/" } = request
    if (method !== "GET" || !isOrdinary(request)) return undefined
    const short = ofDefault.find((path) => path === url)
    const slug = short === undefined ? slugIn(url, prefix, rest) : defaultPoll.slug
    const poll = slug === undefined ? undefined : polls.find(slug)
    if (poll?.results !== "live") return undefined
    const snapshot = results.fresh(poll.slug)
    if (snapshot === undefined) return undefined
    if (!mayRead(request)) return undefined
    return { poll, snapshot, route: short ?? `${prefix}:slug${rest}` }
  }
})

/** Made once for each reading of the results, which is fresh for a second only. */
const made = new WeakMap<Snapshot, KeptAnswer>()

const answerOf = ({ poll, snapshot }: Found, now: () => number): KeptAnswer => {
  const known = made.get(snapshot)
  if (known !== undefined) return known
  const headers = snapshotHeaders(poll, snapshot.etag, now())
  const answer = keepAnswer(snapshot.body, "application/json", headers, snapshot.etag)
  made.set(snapshot, answer)
  return answer
}

const resultsPaths = { prefix: pollPath, rest: "/results", ofDefault: ["/api/results", "/results"] }

/** Makes the lane of results as JSON. */
export const makeResultsLane = Effect.fnUntraced(function* (
  { sendKept }: LaneResponses,
  limiter: RateLimiter | undefined
) {
  const find = yield* makeFind(limiter, resultsPaths)
  const { now } = yield* VoteStream
  const lane: Lane = (request, response) => {
    const found = find(request)
    if (found === undefined) return false
    sendKept({ request, response, route: found.route, started: performance.now() }, answerOf(found, now))
    return true
  }
  return lane
})

const eventsPaths = { prefix: pollPath, rest: "/results/stream", ofDefault: ["/api/results/stream"] }

const events = Object.entries(eventsHeaders).flat()

/** Makes the lane of results as events, for as long as the viewer stays. */
export const makeEventsLane = Effect.fnUntraced(function* (
  { writeHead }: LaneResponses,
  limiter: RateLimiter | undefined
) {
  const find = yield* makeFind(limiter, eventsPaths)
  const streams = yield* LiveStreams
  const places = yield* ViewerPlaces
  const lane: Lane = (request, response) => {
    const found = find(request)
    if (found === undefined) return false
    // The app finds no place either, and says so.
    if (!places.take(request, response)) return false
    const { poll, route, snapshot } = found
    writeHead({ request, response, route, started: performance.now() }, 200, events)
    const lastEventId = request.headers["last-event-id"]?.toString()
    response.on("close", streams.join(poll.slug, snapshot, lastEventId, new ResponseOutlet(response)))
    return true
  }
  return lane
})
