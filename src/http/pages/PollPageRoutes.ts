import { Effect } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import type { FieldError } from "../../domain/FieldError.ts"
import { defaultPoll, type Poll } from "../../domain/Poll.ts"
import { receiptPath } from "../../domain/ReceiptPath.ts"
import { isStreamId, isVoteId } from "../../domain/Vote.ts"
import { Ledger } from "../../ledger/Ledger.ts"
import { explainErrors } from "../../web/words/ballotWords.ts"
import { receipt, trouble, vote } from "../../web/words.ts"
import { Bodies } from "../body/Bodies.ts"
import { readBody } from "../body/ReadBody.ts"
import { makeTurns } from "../FairTurns.ts"
import { headersOf, headersOfStatus } from "../Problem.ts"
import { PollCache } from "../polls/PollCache.ts"
import { LiveResults } from "../results/LiveResults.ts"
import { Visibility } from "../results/Visibility.ts"
import { Ballots } from "../voting/Ballots.ts"
import { senderOf } from "../voting/Sender.ts"
import { type Reader, setCookie, Voters } from "../voting/Voters.ts"
import type { Refilled } from "./BallotForm.ts"
import { makeDrawPage, pageHeaders, pageType } from "./DrawPage.ts"
import { explainRefusal, isForeign, parseFormVote, tokenRefusal, withToken } from "./FormVote.ts"
import { PageFiles } from "./PageFiles.ts"
import { verifyPage } from "./VerifyPage.ts"
import { type Notice, notFoundPage } from "./VotingPage.ts"

type Request = HttpServerRequest.HttpServerRequest

/** The answer where a page can't be made while the database is away. */
const notNow = HttpServerResponse.text(trouble.away, {
  status: 503,
  contentType: "text/plain; charset=utf-8",
  headers: headersOfStatus(503)
})

/** Returns a page; as a refusal, it tells programs the same as a problem of its status. */
const htmlResponse = (body: string, status = 200) =>
  HttpServerResponse.text(body, {
    status,
    contentType: pageType,
    headers: status < 400 ? pageHeaders : { ...pageHeaders, ...headersOfStatus(status) }
  })

/** How long a page waits for results before it is sent without. */
const patience = "1 second"

/** How many pages are drawn in one turn of the event loop: one with all rounds of many options takes 1 ms and more. */
const drawnInTurn = 8

/** Adds the voting page of each poll, and what takes its form. */
export const addPollPages = Effect.fnUntraced(function* (router: HttpRouter.HttpRouter) {
  const ballots = yield* Ballots
  const ledger = yield* Ledger
  const polls = yield* PollCache
  const results = yield* LiveResults
  const visibility = yield* Visibility
  const voters = yield* Voters
  const bodies = yield* Bodies
  const { makers } = yield* PageFiles
  const draw = yield* makeDrawPage
  const turn = makeTurns(drawnInTurn)

  const render = Effect.fnUntraced(function* (
    request: Request,
    poll: Poll,
    reader: Reader | undefined,
    noticed: Effect.Effect<Notice | undefined>,
    status = 200,
    refilled?: Refilled
  ) {
    const shown = yield* visibility.check(poll, request).pipe(
      Effect.andThen(results.shown(poll)),
      Effect.map((snapshot) => snapshot.results),
      Effect.timeout(patience),
      Effect.orElseSucceed(() => undefined)
    )
    // After the results: a vote that is in them is never said to wait.
    const notice = yield* noticed
    const { votingPages } = yield* makers
    yield* turn
    return htmlResponse(draw(votingPages, request, { poll, reader, results: shown, notice, refilled }), status)
  })

  const notFound = Effect.map(makers, ({ assets }) => htmlResponse(notFoundPage(assets), 404))

  /** Returns what has become of the vote whose receipt is in the page's address, if there is one. */
  const lookUp = Effect.fnUntraced(function* (url: string): Effect.fn.Return<Notice | undefined> {
    const query = new URLSearchParams(url.split("?")[1])
    const [voteId, streamId] = [query.get("vote_id") ?? "", query.get("stream_id") ?? ""]
    if (!isVoteId(voteId) || !isStreamId(streamId)) return undefined
    const found = yield* Effect.orElseSucceed(ledger.find(voteId), () => undefined)
    const status = found?.status ?? "queued"
    const tone = status === "counted" ? "good" : status === "queued" ? "busy" : "bad"
    return { text: receipt[status], tone, receipt: receiptPath({ streamId, voteId }) }
  })

  const show = (slug: string) =>
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const poll = yield* polls.get(slug)
      // A voter's id comes with the page: with the vote it would come too late for one that is sent twice.
      const reader = voters.greet(poll, senderOf(request), true)
      const page = yield* render(request, poll, reader, lookUp(request.url))
      return HttpServerResponse.setHeaders(page, setCookie(reader))
    }).pipe(Effect.catchTags({ NotFound: () => notFound, Unavailable: () => Effect.succeed(notNow) }))

  const cast = Effect.fnUntraced(function* (slug: string) {
    const request = yield* HttpServerRequest.HttpServerRequest
    const poll = yield* polls.get(slug)
    const refuse = (text: string, status: number, refilled?: Refilled) =>
      render(
        request,
        poll,
        voters.greet(poll, senderOf(request), false),
        Effect.succeed({ text, tone: "bad" }),
        status,
        refilled
      )
    if (isForeign(request, poll)) return yield* refuse(trouble.foreign, 403)
    const { choice, fields, key, token } = yield* parseFormVote(yield* readBody(request, bodies.votes), poll)
    const refilled = (wrong: ReadonlyArray<FieldError>) => ({ fields, errors: explainErrors(poll.rules, wrong) })
    if (typeof choice !== "string") {
      const { errors } = refilled(choice)
      return yield* refuse(errors.whole === "" ? trouble.ballot : errors.whole, 422, { fields, errors })
    }
    return yield* Effect.gen(function* () {
      const voter = yield* voters.identify(poll, senderOf(withToken(request, token)), key)
      const { streamId, voteId } = yield* ballots.cast({ poll, choice, voter, key })
      const location = `/polls/${slug}?vote_id=${voteId}&stream_id=${streamId}#notice`
      return HttpServerResponse.empty({
        status: 303,
        headers: { location, "cache-control": "no-store", ...setCookie(voter) }
      })
    }).pipe(
      Effect.catch((problem) => {
        const wrong = tokenRefusal(problem, poll, token)
        const form = { ...refilled([]), ...(wrong === undefined ? {} : { token: wrong }) }
        return Effect.map(refuse(wrong ?? explainRefusal(problem), problem.status, form), (page) =>
          HttpServerResponse.setHeaders(page, headersOf(problem))
        )
      })
    )
  })

  const slug = Effect.map(HttpRouter.params, (params) => params.slug ?? "")
  yield* router.add("GET", "/", show(defaultPoll.slug))
  yield* router.add("GET", "/polls/:slug", Effect.flatMap(slug, show))
  yield* router.add(
    "GET",
    "/polls/:slug/verify",
    slug.pipe(
      Effect.flatMap(polls.get),
      Effect.flatMap((poll) => Effect.map(makers, ({ assets }) => htmlResponse(verifyPage(assets, poll)))),
      Effect.catchTags({ NotFound: () => notFound, Unavailable: () => Effect.succeed(notNow) })
    )
  )
  yield* router.add(
    "POST",
    "/polls/:slug",
    slug.pipe(
      Effect.flatMap(cast),
      Effect.catchTags({ NotFound: () => notFound, Unavailable: () => Effect.succeed(notNow) }),
      Effect.catch((problem) =>
        Effect.succeed(htmlResponse(vote.notTaken(problem.detail ?? trouble.unknown), problem.status))
      )
    )
  )
})
