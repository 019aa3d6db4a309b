import { Effect } from "effect"
import { assetHeaders, type PageFile } from "../pages/Assets.ts"
import { makeDrawPage, pageHeaders, pageType } from "../pages/DrawPage.ts"
import { PageFiles } from "../pages/PageFiles.ts"
import type { RateLimiter } from "../RateLimiter.ts"
import { Voters } from "../voting/Voters.ts"
import { isOrdinary, type Lane, makeMayRead } from "./LaneRequests.ts"
import { encodingOf, type KeptAnswer, keepAnswer, type LaneResponses } from "./LaneResponses.ts"
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

const made = new WeakMap<PageFile, KeptAnswer>()

const answerOf = (file: PageFile): KeptAnswer => {
  const known = made.get(file)
  if (known !== undefined) return known
  const answer = keepAnswer(file.bytes, file.contentType, { ...assetHeaders, ...file.headers }, file.headers.etag)
  made.set(file, answer)
  return answer
}

const assetPath = "/assets/"

/** Makes the lane of what pages load, once that has been read. */
export const makeAssetsLane = Effect.fnUntraced(function* (
  { sendKept }: LaneResponses,
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
    sendKept({ request, response, route: `${assetPath}:file`, started: performance.now() }, answerOf(file))
    return true
  }
  return lane
})
