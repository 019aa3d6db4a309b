import type { IncomingMessage } from "node:http"
import { Effect } from "effect"
import { defaultPoll, type Poll } from "../../domain/Poll.ts"
import { LiveResults, type Snapshot } from "../LiveResults.ts"
import { LiveStreams } from "../LiveStreams.ts"
import { Polls } from "../Polls.ts"
import { matchesTag, snapshotHeaders, streamHeaders } from "../ResultsRoutes.ts"
import { ResponseOutlet } from "../Viewer.ts"
import { type Answer, isOrdinary, type Lane, slugIn } from "./Lane.ts"

interface Found {
  readonly route: string
  readonly poll: Poll
  readonly snapshot: Snapshot
}

/** Finds what a request asks for, if it is the `rest` of a poll that anyone may see and what was read last is fresh. */
const makeFind = Effect.gen(function* () {
  const polls = yield* Polls
  const results = yield* LiveResults
  return (request: IncomingMessage, rest: string, ...ofDefault: ReadonlyArray<string>): Found | undefined => {
    const { method, url = "/" } = request
    if (method !== "GET" || !isOrdinary(request)) return undefined
    const short = ofDefault.includes(url)
    const slug = short ? defaultPoll.slug : slugIn(url, rest)
    const poll = slug === undefined ? undefined : polls.find(slug)
    if (poll?.results !== "live") return undefined
    const snapshot = results.fresh(poll.slug)
    return snapshot && { poll, snapshot, route: short ? url : `/api/polls/:slug${rest}` }
  }
})

const json = ["content-type", "application/json"]

/** Made once for each reading of the results. */
const heads = new WeakMap<Snapshot, Array<string>>()

const headersOf = (poll: Poll, snapshot: Snapshot): Array<string> => {
  const made = heads.get(snapshot) ?? Object.entries(snapshotHeaders(poll, snapshot.etag)).flat()
  heads.set(snapshot, made)
  return made
}

/** Results as JSON. */
export const makeResultsLane = Effect.fnUntraced(function* ({ whole }: Answer) {
  const find = yield* makeFind
  const lane: Lane = (request, response) => {
    const found = find(request, "/results", "/api/results", "/results")
    if (found === undefined) return false
    const { poll, route, snapshot } = found
    const exchange = { request, response, route, started: performance.now() }
    const known = request.headers["if-none-match"]
    const own = headersOf(poll, snapshot)
    if (known !== undefined && matchesTag(known, snapshot.etag)) whole(exchange, 304, own, "")
    else whole(exchange, 200, own.concat(json), snapshot.body, snapshot.length)
    return true
  }
  return lane
})

const events = Object.entries({ ...streamHeaders, "content-type": "text/event-stream" }).flat()

/** Results as events, for as long as the viewer stays. */
export const makeEventsLane = Effect.fnUntraced(function* ({ head }: Answer) {
  const find = yield* makeFind
  const streams = yield* LiveStreams
  const lane: Lane = (request, response) => {
    const found = find(request, "/results/stream", "/api/results/stream")
    if (found === undefined) return false
    const { poll, route, snapshot } = found
    head({ request, response, route, started: performance.now() }, 200, events)
    const lastEventId = request.headers["last-event-id"]?.toString()
    response.on("close", streams.join(poll.slug, snapshot, lastEventId, new ResponseOutlet(response)))
    return true
  }
  return lane
})
