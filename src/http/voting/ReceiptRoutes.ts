import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { InvalidFields, NotFound, type OutOfService, Unavailable } from "../../domain/Problems.ts"
import { isStreamId, isVoteId, type VoteStatus } from "../../domain/Vote.ts"
import { Ledger } from "../../ledger/Ledger.ts"
import { VoteStream } from "../../stream/VoteStream.ts"
import { Api } from "../Api.ts"

const unavailable = new Unavailable({ detail: "Receipts temporarily unavailable" })

/** Looks a receipt up: "did my vote count?" */
export const layerReceiptRoutes = HttpApiBuilder.group(
  Api,
  "receipts",
  Effect.fnUntraced(function* (handlers) {
    const ledger = yield* Ledger
    const stream = yield* VoteStream

    /** Looks in the ledger, then the stream, then the ledger again: meanwhile a vote moves from the one to the other. */
    const find = Effect.fnUntraced(function* (
      voteId: string,
      streamId: string | undefined
    ): Effect.fn.Return<VoteStatus | undefined, OutOfService> {
      const recorded = yield* ledger.find(voteId)
      if (recorded !== undefined || streamId === undefined) return recorded
      const poll = yield* stream.find(voteId, streamId)
      // Being in the stream does not mean waiting to be counted: what is counted is removed a little later.
      const counted = yield* ledger.find(voteId)
      if (counted !== undefined || poll === undefined) return counted
      // What was counted may stay longer in the stream than in the ledger.
      return (yield* ledger.keeps(voteId)) ? { vote_id: voteId, poll, status: "queued" } : undefined
    })

    const lookUp = Effect.fnUntraced(function* (voteId: string, streamId: string | undefined) {
      const status = yield* find(voteId, streamId)
      if (status !== undefined) return status
      // Votes of a time that is no longer kept may have been there.
      const detail = (yield* ledger.keeps(voteId))
        ? "No such vote was accepted"
        : "Votes as old as this are no longer kept one by one"
      return yield* new NotFound({ detail })
    })

    return handlers.handle("voteStatus", ({ params, query }) => {
      const voteId = params.vote_id.toLowerCase()
      const { stream_id: streamId } = query
      const errors = [
        ...(isVoteId(voteId) ? [] : [{ pointer: "#/vote_id", detail: "must be a UUIDv7" }]),
        ...(streamId === undefined || isStreamId(streamId)
          ? []
          : [{ pointer: "#/stream_id", detail: "must be of the form 1732000000000-0" }])
      ]
      return errors.length > 0
        ? Effect.fail(new InvalidFields({ detail: "The vote_id or the stream_id is not one of a receipt", errors }))
        : Effect.catchTag(lookUp(voteId, streamId), "OutOfService", () => Effect.fail(unavailable))
    })
  })
)
