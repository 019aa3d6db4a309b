import type { IncomingMessage } from "node:http"
import { Effect } from "effect"
import { defaultPoll, type Poll } from "../../domain/Poll.ts"
import { PollCache } from "../polls/PollCache.ts"
import { LiveResults, type Snapshot } from "../results/LiveResults.ts"
import { LiveStreams } from "../results/LiveStreams.ts"
import { matchesTag, snapshotHeaders, streamHeaders } from "../results/ResultsRoutes.ts"
import { ResponseOutlet } from "../results/Viewer.ts"
import { type Answer, isOrdinary, type Lane, slugIn } from "./Lane.ts"

interface Found {
  readonly route: string
  readonly poll: Poll
  readonly snapshot: Snapshot
}

/** Finds what a request asks for, if it is the `rest` of a poll that anyone may see and what was read last is fresh. */
const makeFind = Effect.gen(function* () {
  const polls = yield* PollCache
  const results = yield* LiveResults
  return (request: IncomingMessage, rest: string, ...ofDefault: ReadonlyArray<string>): Found | undefined => {
    const { method, url = "/" } = request
    if (method !== "GET" || !isOrdinary(request)) return undefined
    const short = ofDefault.find((path) => path === url)
    const slug = short === undefined ? slugIn(url, rest) : defaultPoll.slug
    const poll = slug === undefined ? undefined : polls.find(slug)
    if (poll?.results !== "live") return undefined
    const snapshot = results.fresh(poll.slug)
    return snapshot && { poll, snapshot, route: short ?? `/api/polls/:slug${rest}` }
  }
})

interface Heads {
  readonly ok: ReadonlyArray<string>
  readonly notModified: ReadonlyArray<string>
  /** As Node writes the body: of bytes that are ASCII it makes less work. */
  readonly encoding: "latin1" | "utf8"
}

/** Made once for each reading of the results. */
const heads = new WeakMap<Snapshot, Heads>()

const headsOf = ({ poll, snapshot }: Found): Heads => {
  const known = heads.get(snapshot)
  if (known !== undefined) return known
  const notModified = Object.entries(snapshotHeaders(poll, snapshot.etag)).flat()
  const content = ["content-type", "application/json", "content-length", String(snapshot.length)]
  const encoding = snapshot.length === snapshot.body.length ? "latin1" : "utf8"
  const made: Heads = { notModified, ok: [...notModified, ...content], encoding }
  heads.set(snapshot, made)
  return made
}

/** Results as JSON. */
export const makeResultsLane = Effect.fnUntraced(function* ({ head }: Answer) {
  const find = yield* makeFind
  const lane: Lane = (request, response) => {
    const found = find(request, "/results", "/api/results", "/results")
    if (found === undefined) return false
    const exchange = { request, response, route: found.route, started: performance.now() }
    const known = request.headers["if-none-match"]
    const { encoding, notModified, ok } = headsOf(found)
    if (known !== undefined && matchesTag(known, found.snapshot.etag)) {
      head(exchange, 304, notModified)
      response.end()
    } else {
      head(exchange, 200, ok)
      response.end(found.snapshot.body, encoding)
    }
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
