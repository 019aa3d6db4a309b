import type { Appended } from "../../stream/VoteStream.ts"
import type { PlainAnswer } from "../Problem.ts"

/** Returns where a receipt is looked up. */
export const receiptPath = ({ streamId, voteId }: Pick<Appended, "streamId" | "voteId">): string =>
  `/api/votes/${voteId}?stream_id=${streamId}`

/** Returns the receipt of a vote that Redis holds. Each part is of characters that need no escaping in JSON. */
export const receiptAnswer = (vote: Appended): PlainAnswer => ({
  status: 201,
  contentType: "application/json",
  headers: { location: receiptPath(vote), "cache-control": "no-store" },
  body: `{"message":"Vote recorded successfully","option":"${vote.option}","vote_id":"${vote.voteId}","stream_id":"${vote.streamId}"}`
})
