import { Effect } from "effect"
import { matchesTag } from "../ETag.ts"
import { assetHeaders, type PageFile } from "../pages/Assets.ts"
import { makeDrawPage, pageHeaders, pageType } from "../pages/DrawPage.ts"
import { PageFiles } from "../pages/PageFiles.ts"
import type { RateLimiter } from "../RateLimiter.ts"
import { Voters } from "../voting/Voters.ts"
import { isOrdinary, type Lane, makeMayRead } from "./LaneRequests.ts"
import { encodingOf, type LaneResponses } from "./LaneResponses.ts"
import { makeFind } from "./ResultsLane.ts"

const paths = { prefix: "/polls/", rest: "", ofDefault: ["/"] }

const headers = Object.entries({ ...pageHeaders, "content-type": pageType }).flat()

/** Makes the lane of voting pages, where anyone may see the results: as a vote begins, all ask for one at once. */
export const makePagesLane = Effect.fnUntraced(function* (
  { writeHead }: LaneResponses,
  limiter: RateLimiter | undefined
) {
  const find = yield* makeFind(limiter, paths)
  const { knownMakers } = yield* PageFiles
  const voters = yield* Voters
  const draw = yield* makeDrawPage
  const lane: Lane = (request, response) => {
    const makers = knownMakers()
    if (makers === undefined) return false
    const found = find(request)
    if (found === undefined) return false
    const started = performance.now()
    const { poll, route, snapshot } = found
    const sender = { headers: request.headers, peer: request.socket.remoteAddress, source: request }
    const reader = voters.greet(poll, sender, true)
    const page = draw(makers.votingPages, request, { poll, reader, results: snapshot.results })
    const length = Buffer.byteLength(page)
    const cookie = reader?.setCookie === undefined ? undefined : ["set-cookie", reader.setCookie]
    writeHead({ request, response, route, started }, 200, headers, length, cookie)
    response.end(page, encodingOf(page, length))
    return true
  }
  return lane
})

interface FileHeaders {
  readonly ok: ReadonlyArray<string>
  readonly notModified: ReadonlyArray<string>
}

const madeHeaders = new WeakMap<PageFile, FileHeaders>()

const headersOf = (file: PageFile): FileHeaders => {
  const known = madeHeaders.get(file)
  if (known !== undefined) return known
  const notModified = Object.entries({ ...assetHeaders, ...file.headers }).flat()
  const made = { notModified, ok: [...notModified, "content-type", file.contentType] }
  madeHeaders.set(file, made)
  return made
}

const assetPath = "/assets/"

/** Makes the lane of what pages load, once that has been read. */
export const makeAssetsLane = Effect.fnUntraced(function* (
  { writeHead }: LaneResponses,
  limiter: RateLimiter | undefined
) {
  const mayRead = yield* makeMayRead(limiter)
  const { known, knownMakers } = yield* PageFiles
  const lane: Lane = (request, response) => {
    const { headers, method, url = "/" } = request
    if (method !== "GET" || !url.startsWith(assetPath) || !isOrdinary(request)) return false
    const name = url.slice(assetPath.length)
    if (!knownMakers()?.assets.files.has(name)) return false
    const file = known(`assets/${name}`, headers["accept-encoding"]?.toString())
    if (file === undefined || !mayRead(request)) return false
    const exchange = { request, response, route: `${assetPath}:file`, started: performance.now() }
    const { notModified, ok } = headersOf(file)
    const ifNoneMatch = headers["if-none-match"]
    if (ifNoneMatch !== undefined && matchesTag(ifNoneMatch, file.headers.etag)) {
      writeHead(exchange, 304, notModified)
      response.end()
    } else {
      writeHead(exchange, 200, ok, file.bytes.length)
      response.end(file.bytes)
    }
    return true
  }
  return lane
})
