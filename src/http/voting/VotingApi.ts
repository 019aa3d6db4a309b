import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { ChallengeView } from "../../domain/Challenge.ts"
import {
  BodyTooLarge,
  ChallengeUnsolved,
  Forbidden,
  HasVoted,
  InvalidFields,
  Malformed,
  NotFound,
  PollNotOpen,
  TooManyRequests,
  Unauthorized,
  Unavailable,
  UnsupportedMediaType
} from "../../domain/Problems.ts"
import { solutionHeader } from "../../domain/SolutionHeader.ts"
import { Receipt, SingleReceipt, SingleVote, VoteRequest, VoteStatus } from "../../domain/Vote.ts"
import { inPoll, summary, withHeaders } from "../Describe.ts"
import { ProblemAnswers } from "../middleware/ProblemAnswers.ts"
import { idempotencyKeyHeader } from "./VoteRequest.ts"

const idempotencyKey = {
  ...idempotencyKeyHeader,
  description:
    "The same key with the same body, however often, gives one vote and the same answer for as long as keys are remembered (24 hours unless set): send one to be able to retry."
}

const challengeSolution = {
  name: solutionHeader,
  in: "header",
  required: false,
  schema: { type: "string", maxLength: 2048, format: "byte" },
  description:
    "In a poll with a challenge: `{challenge, solution}` as JSON in base64, as ALTCHA's widgets make it. It is for one vote, which may be sent again with it."
}

const voteErrors = [Malformed, BodyTooLarge, UnsupportedMediaType, InvalidFields, TooManyRequests, Unavailable] as const

/** The default poll is for anyone, each of whose votes is for one option, and may have been closed. */
const castDefault = {
  payload: SingleVote,
  success: SingleReceipt.pipe(HttpApiSchema.status(201)),
  error: [...voteErrors, PollNotOpen]
}

export const VotesGroup = HttpApiGroup.make("votes").add(
  HttpApiEndpoint.post("castVote", "/api/vote", castDefault)
    .annotateMerge(
      summary(
        "Vote in the default poll",
        "`201` says that the vote is on disk in the stream, and it will be counted exactly once. A `503` can mean that the outcome is not known."
      )
    )
    .annotateMerge(withHeaders(idempotencyKey)),
  HttpApiEndpoint.post("castVoteShort", "/vote", castDefault)
    .annotateMerge(summary("Short for `POST /api/vote`"))
    .annotateMerge(withHeaders(idempotencyKey)),
  HttpApiEndpoint.post("castVoteIn", "/api/polls/:slug/votes", {
    payload: VoteRequest,
    success: Receipt.pipe(HttpApiSchema.status(201)),
    ...inPoll,
    error: [...voteErrors, Unauthorized, Forbidden, ChallengeUnsolved, NotFound, PollNotOpen, HasVoted]
  })
    .annotateMerge(
      summary(
        "Vote in a poll",
        "In a poll for tokens, of ours or of an identity provider, with `Authorization: Bearer <token>`; in one for browsers, with the cookie that the poll's page sets, or the first answer to a vote without an `Idempotency-Key`."
      )
    )
    .annotateMerge(withHeaders(idempotencyKey, challengeSolution)),
  HttpApiEndpoint.get("challenge", "/api/polls/:slug/challenge", {
    ...inPoll,
    success: ChallengeView,
    error: [NotFound, Forbidden, TooManyRequests, Unavailable]
  })
    .middleware(ProblemAnswers)
    .annotateMerge(
      summary(
        "A challenge to solve for one vote",
        'In a poll with `challenge: "pow"`: a proof of work in the format of ALTCHA, version 2, which holds for ten minutes.'
      )
    )
)

export const ReceiptsGroup = HttpApiGroup.make("receipts").add(
  HttpApiEndpoint.get("voteStatus", "/api/votes/:vote_id", {
    params: { vote_id: Schema.String },
    query: { stream_id: Schema.optionalKey(Schema.String) },
    success: VoteStatus,
    error: [Malformed, InvalidFields, NotFound, TooManyRequests, Unavailable]
  })
    .middleware(ProblemAnswers)
    .annotateMerge(
      summary(
        "What has become of a vote",
        "By the receipt's `vote_id` and `stream_id`: without the latter, a vote is found once it is counted."
      )
    )
)
