import { Schema } from "effect"
import type { Poll } from "./Poll.ts"
import { type OpenTimes, phaseStatus, pollPhase } from "./PollPhase.ts"

/** The times that decide a poll's status. */
export type PollTimes = OpenTimes & Pick<Poll, "finalMs" | "draft">

/** `counting`: the poll has closed, and votes that were accepted in time may still wait. `final`: none does any more. */
export const PollStatus = Schema.Literals(["draft", "upcoming", "open", "counting", "final"]).annotate({
  description:
    "`draft`: only its organiser sees it. `counting`: the poll has closed, and votes that were accepted in time may still wait to be counted. `final`: all of them are counted"
})
export type PollStatus = typeof PollStatus.Type

/** Returns a poll's status at a time, which is that of the stream, since it decides what votes are accepted in time. */
export const pollStatus = (times: PollTimes, now: number): PollStatus =>
  times.draft ? "draft" : times.finalMs === undefined ? phaseStatus[pollPhase(times, now)] : "final"

const order: Readonly<Record<PollStatus, number>> = { draft: -1, upcoming: 0, open: 1, counting: 2, final: 3 }

/** Returns whether a poll comes to a status after another one. */
export const isLaterStatus = (status: PollStatus, other: PollStatus): boolean => order[status] > order[other]
