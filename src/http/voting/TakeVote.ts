import { Effect } from "effect"
import type { PlainAnswer } from "../Problem.ts"
import type { Refused } from "./BallotRefusals.ts"
import { type Ballot, Ballots } from "./Ballots.ts"
import { receiptAnswer } from "./Receipt.ts"
import type { Sender } from "./Sender.ts"
import { type Unidentified, Voters } from "./Voters.ts"

/** A vote in a poll as it was sent. */
export interface SentBallot extends Omit<Ballot, "voter"> {
  readonly sender: Sender
}

/** Why a vote is not taken. */
export type RefusedVote = Refused | Unidentified

/**
 * Makes the function that takes a vote, of whoever sent it, and returns its receipt. The app and the lane both call it, and add
 * nothing of their own but reading and writing.
 */
export const makeTakeVote = Effect.gen(function* () {
  const ballots = yield* Ballots
  const voters = yield* Voters
  return ({ choice, key, poll, sender, solution }: SentBallot): Effect.Effect<PlainAnswer, RefusedVote> =>
    Effect.flatMap(voters.identify(poll, sender, key), (voter) =>
      Effect.map(ballots.cast({ poll, choice, voter, key, solution }), (vote) => receiptAnswer(vote, poll, voter))
    )
})
