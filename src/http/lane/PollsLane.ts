import { Effect, Schema } from "effect"
import type { Poll } from "../../domain/Poll.ts"
import { type PollStatus, pollStatus } from "../../domain/PollStatus.ts"
import { PollView, toView } from "../../domain/PollView.ts"
import { VoteStream } from "../../stream/VoteStream.ts"
import { matchesTag, publicBriefly } from "../ETag.ts"
import { PollCache } from "../polls/PollCache.ts"
import { versionTag } from "../polls/PollLife.ts"
import { defaultLimit, makePollPages, type PollPage } from "../polls/PollPages.ts"
import type { RateLimiter } from "../RateLimiter.ts"
import { isOrdinary, type Lane, makeMayRead, pollPath } from "./LaneRequests.ts"
import { encodingOf, type LaneResponses } from "./LaneResponses.ts"

/** An answer as it is sent to all who ask. */
interface Made {
  readonly body: string
  readonly length: number
  readonly encoding: "latin1" | "utf8"
  readonly headers: ReadonlyArray<string>
  /** Those of a 304, where the answer has one. */
  readonly notModified?: ReadonlyArray<string>
}

const make = (body: string, headers: ReadonlyArray<string>): Made => {
  const length = Buffer.byteLength(body)
  return { body, length, encoding: encodingOf(body, length), headers: ["content-type", "application/json", ...headers] }
}

/** Encodes a poll as its typed handler does. */
const encodePoll = Schema.encodeSync(PollView)

const firstPage = { limit: defaultLimit, after: undefined, text: "", status: undefined }

/**
 * Makes the lane of polls, and of the first page of their list, as anyone sees them: when a poll is changed, all pages that show it
 * ask at once. An answer is made once for each reading of the polls, and anew when the poll's status changes with the time.
 */
export const makePollsLane = Effect.fnUntraced(function* (
  { writeHead }: LaneResponses,
  limiter: RateLimiter | undefined
) {
  const polls = yield* PollCache
  const { now } = yield* VoteStream
  const mayRead = yield* makeMayRead(limiter)
  const pageOf = makePollPages(polls)
  const madePolls = new WeakMap<Poll, Made & { readonly status: PollStatus }>()
  const madePages = new WeakMap<PollPage, Made>()

  const answerOf = (poll: Poll): Made => {
    const status = pollStatus(poll, now())
    const known = madePolls.get(poll)
    if (known?.status === status) return known
    const body = JSON.stringify(encodePoll(toView(poll, now())))
    const made = { ...make(body, ["etag", versionTag(poll), "cache-control", "no-store"]), status }
    madePolls.set(poll, made)
    return made
  }

  const answerOfList = (): Made => {
    const page = pageOf(firstPage, now())
    const known = madePages.get(page)
    if (known !== undefined) return known
    const notModified = ["etag", page.etag, "cache-control", publicBriefly, "vary", "Authorization"]
    const made = { ...make(page.body, notModified), notModified }
    madePages.set(page, made)
    return made
  }

  const lane: Lane = (request, response) => {
    const { headers, method, url = "/" } = request
    // The admin sees more.
    if (method !== "GET" || headers.authorization !== undefined || !isOrdinary(request)) return false
    const poll = url.startsWith(pollPath) ? polls.find(url.slice(pollPath.length)) : undefined
    if (poll === undefined && url !== "/api/polls") return false
    if (!mayRead(request)) return false
    const route = poll === undefined ? "/api/polls" : "/api/polls/:slug"
    const exchange = { request, response, route, started: performance.now() }
    const made = poll === undefined ? answerOfList() : answerOf(poll)
    const known = headers["if-none-match"]
    if (made.notModified !== undefined && known !== undefined && matchesTag(known, made.notModified[1] ?? "")) {
      writeHead(exchange, 304, made.notModified)
      response.end()
    } else {
      writeHead(exchange, 200, made.headers, made.length)
      response.end(made.body, made.encoding)
    }
    return true
  }
  return lane
})
