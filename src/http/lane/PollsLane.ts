import { Effect, Schema } from "effect"
import type { Poll } from "../../domain/Poll.ts"
import { type PollStatus, pollStatus } from "../../domain/PollStatus.ts"
import { PollView, toView } from "../../domain/PollView.ts"
import { VoteStream } from "../../stream/VoteStream.ts"
import { publicBriefly } from "../ETag.ts"
import { PollCache } from "../polls/PollCache.ts"
import { defaultLimit, makePollPages, type PollPage } from "../polls/PollPages.ts"
import { versionTag } from "../polls/VersionTag.ts"
import type { RateLimiter } from "../RateLimiter.ts"
import { isOrdinary, type Lane, makeMayRead, pollPath } from "./LaneRequests.ts"
import { type KeptAnswer, keepAnswer, type LaneResponses } from "./LaneResponses.ts"

const json = "application/json"

/** Encodes a poll as its typed handler does. */
const encodePoll = Schema.encodeSync(PollView)

const firstPage = { limit: defaultLimit, after: undefined, text: "", status: undefined }

/**
 * Makes the lane of polls, and of the first page of their list, as anyone sees them: when a poll is changed, all pages that show it
 * ask at once. An answer is made once for each reading of the polls, and anew when the poll's status changes with the time.
 */
export const makePollsLane = Effect.fnUntraced(function* (
  { sendKept }: LaneResponses,
  limiter: RateLimiter | undefined
) {
  const polls = yield* PollCache
  const { now } = yield* VoteStream
  const mayRead = yield* makeMayRead(limiter)
  const pageOf = makePollPages(polls)
  const madePolls = new WeakMap<Poll, { readonly status: PollStatus; readonly answer: KeptAnswer }>()
  const madePages = new WeakMap<PollPage, KeptAnswer>()

  const answerOf = (poll: Poll): KeptAnswer => {
    const status = pollStatus(poll, now())
    const known = madePolls.get(poll)
    if (known?.status === status) return known.answer
    const body = JSON.stringify(encodePoll(toView(poll, now())))
    const answer = keepAnswer(body, json, { etag: versionTag(poll), "cache-control": "no-store" })
    madePolls.set(poll, { status, answer })
    return answer
  }

  const answerOfList = (): KeptAnswer => {
    const page = pageOf(firstPage, now())
    const known = madePages.get(page)
    if (known !== undefined) return known
    const headers = { etag: page.etag, "cache-control": publicBriefly, vary: "Authorization" }
    const answer = keepAnswer(page.body, json, headers, page.etag)
    madePages.set(page, answer)
    return answer
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
    sendKept(exchange, poll === undefined ? answerOfList() : answerOf(poll))
    return true
  }
  return lane
})
