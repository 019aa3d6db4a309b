import { abstention, choiceField } from "../../domain/Choice.ts"
import type { Poll } from "../../domain/Poll.ts"
import { pollPhase, shutUntil } from "../../domain/PollPhase.ts"
import {
  type ChallengeUnsolved,
  Forbidden,
  HasVoted,
  InvalidFields,
  PollNotOpen,
  TooManyRequests,
  Unavailable
} from "../../domain/Problems.ts"
import { entryMs } from "../../domain/Vote.ts"
import type { Appended } from "../../stream/VoteStream.ts"

/** Why a vote is not taken, of whoever it is. */
export type Refused =
  | ChallengeUnsolved
  | Forbidden
  | PollNotOpen
  | HasVoted
  | InvalidFields
  | TooManyRequests
  | Unavailable

export const unavailable = new Unavailable({ detail: "Voting service temporarily unavailable" })

export const keysFull = new Unavailable({
  detail: "Votes with a new Idempotency-Key can't be taken for now; try again later"
})

export const tooOften = new TooManyRequests({
  detail: "You have changed your vote 60 times in a minute; try again later"
})

export const hasVoted = new HasVoted({ detail: "You have voted; in this poll the first vote counts" })

const notOpen = ({ identity }: Poll, early: boolean): Forbidden | PollNotOpen => {
  if (early) return new PollNotOpen({ detail: "The poll is not open yet" })
  return identity === "token"
    ? new Forbidden({ detail: "The poll has closed, and its tokens with it" })
    : new PollNotOpen({ detail: "The poll has closed" })
}

/** Returns why a poll takes no vote at a time, in ms: it may go on in a moment. */
export const notNow = (poll: Poll, early: boolean, now: number): Forbidden | PollNotOpen => {
  const until = early ? shutUntil(poll, now) : undefined
  return until === undefined ? notOpen(poll, early) : PollNotOpen.forNow(Math.ceil((until - now) / 1000))
}

/**
 * Returns why a vote that was appended, now or at a key's first use, is not confirmed at a time, in ms: it must have made the same
 * choice; and only its entry's id says for sure when it was accepted, for which it may be rejected later.
 */
export const refusalOf = (appended: Appended, choice: string, poll: Poll, now: number): Refused | undefined => {
  if (appended.choice !== choice) return keyReused(poll, choice)
  const accepted = entryMs(appended.streamId)
  const phase = pollPhase(poll, accepted)
  if (phase === "open") return undefined
  // The poll may turn out not to have been closed for this moment, where others had voted before: then the vote counts.
  if (phase === "before" && (shutUntil(poll, accepted) ?? now) > now) return unavailable
  return notOpen(poll, phase === "before")
}

const keyReused = ({ rules }: Poll, choice: string) => {
  const pointer = `#/${choice === abstention ? "abstain" : choiceField[rules.kind]}`
  return new InvalidFields({
    detail: "This Idempotency-Key was used with another vote",
    errors: [{ pointer, detail: "is not what the key was used with" }]
  })
}
