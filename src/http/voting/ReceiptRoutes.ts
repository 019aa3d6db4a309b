import { Effect, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { InvalidFields, NotFound, type OutOfService, Unavailable } from "../../domain/Problems.ts"
import { isStreamId, VoteId, type VoteStatus } from "../../domain/Vote.ts"
import { Ledger } from "../../ledger/Ledger.ts"
import { VoteStream } from "../../stream/VoteStream.ts"
import { Api } from "../Api.ts"
import { problemResponse } from "../Problem.ts"

const isVoteId = Schema.is(VoteId)

/** Looks a receipt up: "did my vote count?" */
export const layerReceiptRoutes = HttpApiBuilder.group(
  Api,
  "receipts",
  Effect.fnUntraced(function* (handlers) {
    const ledger = yield* Ledger
    const stream = yield* VoteStream

    /** In the ledger, then the stream, then the ledger again: a vote moves from the one to the other meanwhile. */
    const find = Effect.fnUntraced(function* (
      voteId: string,
      streamId: string | undefined
    ): Effect.fn.Return<VoteStatus | undefined, OutOfService> {
      const recorded = yield* ledger.find(voteId)
      if (recorded !== undefined || streamId === undefined) return recorded
      const poll = yield* stream.find(voteId, streamId)
      // Still in the stream does not mean still to be counted: what is counted is removed a little later.
      const counted = yield* ledger.find(voteId)
      return counted ?? (poll === undefined ? undefined : { vote_id: voteId, poll, status: "queued" })
    })

    /** Why there is none: one as old as this may have been dropped. */
    const absence = (voteId: string) =>
      Effect.map(ledger.keeps(voteId), (kept) =>
        kept ? "No such vote was accepted" : "Votes as old as this are no longer kept one by one"
      )

    return handlers.handleRaw("voteStatus", ({ params, query, request }) => {
      const voteId = params.vote_id.toLowerCase()
      const { stream_id: streamId } = query
      const errors = [
        ...(isVoteId(voteId) ? [] : [{ pointer: "#/vote_id", detail: "must be a UUIDv7" }]),
        ...(streamId === undefined || isStreamId(streamId)
          ? []
          : [{ pointer: "#/stream_id", detail: "must be of the form 1732000000000-0" }])
      ]
      if (errors.length > 0) return Effect.succeed(problemResponse(new InvalidFields({ errors }), request.url))
      return Effect.flatMap(find(voteId, streamId), (status) =>
        status === undefined
          ? Effect.map(absence(voteId), (detail) => problemResponse(new NotFound({ detail }), request.url))
          : Effect.succeed(HttpServerResponse.jsonUnsafe(status, { headers: { "cache-control": "no-store" } }))
      ).pipe(
        Effect.orElseSucceed(() =>
          problemResponse(new Unavailable({ detail: "Receipts temporarily unavailable" }), request.url, {
            "retry-after": "1"
          })
        )
      )
    })
  })
)
