import type { PollView } from "../../domain/PollView.ts"
import type { Wait } from "./outbox.ts"

/** What the page knows by now. */
export interface PageState {
  poll: PollView
  /** What the service has said of the poll's status, whatever the clock says. */
  said: PollView["status"]
  /** Whether this reader can't vote: the voter has voted, or has no token. */
  barred: boolean
  /** What this reader lacks for a vote, in words; empty where nothing is missing. */
  lacks: string
  /** Whether the results can be reached. */
  reachable: boolean
  /** Whether the poll is not there any more. */
  gone: boolean
  /** Whether the last vote was refused. */
  refused: boolean
  /** Why the vote is not sent yet. */
  waiting: Wait | undefined
}

/** Makes the state of a page that has just come with a poll. */
export const makePageState = (poll: PollView): PageState => ({
  poll,
  said: poll.status,
  barred: false,
  lacks: "",
  reachable: true,
  gone: false,
  refused: false,
  waiting: undefined
})
