import { abstention } from "../../domain/Choice.ts"
import type { Poll } from "../../domain/Poll.ts"
import { receiptPath } from "../../domain/ReceiptPath.ts"
import type { Appended } from "../../stream/VoteStream.ts"
import type { PlainAnswer } from "../Problem.ts"
import { setCookie, type Voter } from "./Voters.ts"

/**
 * Returns the receipt of a vote that Redis holds, with the cookie to set for its voter, if there is one. It names the option of a vote for one, and else the choice. Each part is of
 * characters that need no escaping in JSON.
 */
export const receiptAnswer = (
  vote: Appended,
  { rules }: Pick<Poll, "rules">,
  voter: Voter | undefined
): PlainAnswer => ({
  status: 201,
  contentType: "application/json",
  headers: { location: receiptPath(vote), "cache-control": "no-store", ...setCookie(voter) },
  body: `{"message":"Vote recorded successfully","${rules.kind === "single" && vote.choice !== abstention ? "option" : "choice"}":"${vote.choice}","vote_id":"${vote.voteId}","stream_id":"${vote.streamId}"}`
})
