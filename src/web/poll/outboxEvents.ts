import type { PollFollower } from "./followPoll.ts"
import type { OutboxEvents } from "./outbox.ts"
import type { PageState } from "./pageState.ts"
import { explainRefusal } from "./refusal.ts"
import type { Teller } from "./teller.ts"

export interface OutboxEventsOptions {
  readonly state: PageState
  readonly teller: Teller
  readonly follower: PollFollower
  readonly refresh: () => void
  /** Is called where the voter turns out to have voted, as with another device. */
  readonly voted: () => void
  readonly isOpen: () => boolean
  /** Whether the reader has a token of a voter's. */
  readonly hasToken: boolean
}

/** Returns what the page does as votes are sent: it tells the reader, and looks at the poll where that may have changed. */
export const outboxEvents = (options: OutboxEventsOptions): OutboxEvents => {
  const { follower, hasToken, isOpen, refresh, state, teller, voted } = options
  return {
    // Said only once, though it may be tried again and again.
    sending: (choice) => {
      if (state.waiting === undefined) teller.sending(choice)
      refresh()
    },
    solving: (choice) => {
      if (state.waiting === undefined) teller.solving(choice)
    },
    accepted: ({ stream_id, vote_id }, { choice, key }) => {
      state.waiting = undefined
      teller.accepted({ choice, voteId: vote_id, streamId: stream_id, key, status: "queued" })
    },
    refused: (problem) => {
      state.waiting = undefined
      const hasVoted = problem.type.endsWith(":has-voted")
      state.barred ||= hasVoted || problem.status === 401
      state.refused = true
      // It may be a vote by another ballot than there is by now.
      if (problem.type.endsWith(":poll-not-open") || problem.status === 422) void follower.read()
      if (hasVoted) voted()
      teller.refused(explainRefusal(problem, { identity: state.poll.identity, open: isOpen(), hasToken }))
      refresh()
    },
    waiting: (why, choice) => {
      teller.waiting(choice)
      state.waiting = why
      if (why === "poll") void follower.read()
      refresh()
    },
    full: teller.full
  }
}
