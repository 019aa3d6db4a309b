import { Effect } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { toBase64url } from "../../domain/log/Bytes.ts"
import { InvalidFields, NotFound, type OutOfService, Unavailable } from "../../domain/Problems.ts"
import { isVoteId } from "../../domain/Vote.ts"
import { Ledger } from "../../ledger/Ledger.ts"
import { LogStore } from "../../ledger/LogStore.ts"
import { Api } from "../Api.ts"
import { problemResponse } from "../Problem.ts"
import { pathOf } from "../RequestPath.ts"
import { forAll, makeLogFiles } from "./LogFiles.ts"
import { makeVoteProofs } from "./VoteProof.ts"

type Request = HttpServerRequest.HttpServerRequest

const unavailable = new Unavailable({ detail: "Logs temporarily unavailable" })

/** Where the files are that have no path of their own in the description. */
const filesPath = "/api/polls/:slug/log/*"

/** The methods of such paths. */
export const logMethods: ReadonlyArray<readonly [path: string, methods: ReadonlyArray<string>]> = [[filesPath, ["GET"]]]

/** The answer about a vote that is in the ledger and in no signed log: its log is a little later, or off. */
const notYet = HttpServerResponse.empty({ status: 204, headers: { "cache-control": "no-store", "retry-after": "2" } })

/** Returns the path after a poll's `/log/`. */
const fileOf = ({ url }: Request): string => pathOf(url).split("/").slice(5).join("/")

/** Sends a file of a poll's log. */
const makeSend = Effect.map(LogStore, (store) => {
  const files = makeLogFiles(store)
  return (slug: string, request: Request) =>
    files(slug, fileOf(request), request).pipe(
      Effect.catch((problem: NotFound | OutOfService) =>
        Effect.succeed(problemResponse(problem._tag === "NotFound" ? problem : unavailable, request.url, forAll))
      )
    )
})

/** A poll's log, and proofs of votes. The handlers are raw: their answers are bytes, or texts that others have defined. */
export const layerLogRoutes = HttpApiBuilder.group(
  Api,
  "log",
  Effect.fnUntraced(function* (handlers) {
    const send = yield* makeSend
    const proofs = makeVoteProofs(yield* LogStore)
    const ledger = yield* Ledger

    const prove = Effect.fnUntraced(
      function* (voteId: string, request: Request) {
        if (!isVoteId(voteId)) {
          const errors = [{ pointer: "#/vote_id", detail: "must be a UUIDv7" }]
          return yield* new InvalidFields({ detail: "The vote_id is not one of a receipt", errors })
        }
        const proof = yield* proofs(voteId, request.headers["idempotency-key"])
        if (proof === "waiting" && (yield* ledger.find(voteId)) !== undefined) return notYet
        if (proof === "waiting" || proof === "unknown") {
          return yield* new NotFound({ detail: "No such vote is in a public log" })
        }
        const { choiceKey, text } = proof
        return HttpServerResponse.text(text, {
          contentType: "text/plain; charset=utf-8",
          headers: {
            "cache-control": "no-store",
            ...(choiceKey === undefined ? {} : { "choice-key": toBase64url(choiceKey) })
          }
        })
      },
      (answer, _, request) =>
        Effect.catch(answer, (problem: InvalidFields | NotFound | OutOfService) =>
          Effect.succeed(problemResponse(problem._tag === "OutOfService" ? unavailable : problem, request.url))
        )
    )

    return handlers
      .handleRaw("logCheckpoint", ({ params, request }) => send(params.slug, request))
      .handleRaw("logKey", ({ params, request }) => send(params.slug, request))
      .handleRaw("logTile", ({ params, request }) => send(params.slug, request))
      .handleRaw("logEntries", ({ params, request }) => send(params.slug, request))
      .handleRaw("voteProof", ({ params, request }) => prove(params.vote_id.toLowerCase(), request))
  })
)

/** The log's other files: partial tiles, those of large logs, and later logs of a poll. */
export const layerLogFiles = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const send = yield* makeSend
    yield* router.add(
      "GET",
      filesPath,
      Effect.gen(function* () {
        const { slug = "" } = yield* HttpRouter.params
        return yield* send(slug, yield* HttpServerRequest.HttpServerRequest)
      })
    )
  })
)
