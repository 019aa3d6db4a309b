import { phaseStatus, pollPhase, shutUntil } from "../../domain/PollPhase.ts"
import type { PollView } from "../../domain/PollView.ts"
import { moment, until } from "../words/formats.ts"
import { nameStatus, times } from "../words.ts"

const msOf = (time: string | undefined): number | undefined => (time === undefined ? undefined : Date.parse(time))

const openTimesOf = ({ closed, closes_at, opens_at }: PollView) => ({
  opensMs: msOf(opens_at),
  closesMs: msOf(closes_at),
  shut: closed?.map(({ from, to }) => [Date.parse(from), Date.parse(to)] as const)
})

/** Returns the poll's status at a time in ms, by the service's clock; if the service has said that it has closed, it has. */
export const statusAt = (poll: PollView, said: PollView["status"], now: number): PollView["status"] =>
  said === "final" || said === "counting" ? said : phaseStatus[pollPhase(openTimesOf(poll), now)]

/** Returns until when, in ms, a poll of that status is closed so that it can be changed; undefined where it is not. */
const changingUntil = (poll: PollView, status: PollView["status"], now: number): number | undefined =>
  status === "upcoming" ? shutUntil(openTimesOf(poll), now) : undefined

/** Names a poll's status at a time in ms. */
export const statusNameAt = (poll: PollView, status: PollView["status"], now: number): string =>
  nameStatus(status, changingUntil(poll, status, now) !== undefined)

/** Says in words when the poll opens, closes or has closed, and whether its result is final. */
export const timesAt = (poll: PollView, status: PollView["status"], now: number): string => {
  const { closes_at, opens_at } = poll
  const goesOn = changingUntil(poll, status, now)
  if (goesOn !== undefined) return times.changing(until(goesOn - now))
  if (status === "upcoming" && opens_at !== undefined) {
    return times.opens(until(Date.parse(opens_at) - now), moment(Date.parse(opens_at)))
  }
  const closes = closes_at === undefined ? Number.POSITIVE_INFINITY : Date.parse(closes_at)
  if (status === "counting" || status === "final") {
    // The page may not know of a close before that time, by hand.
    return closes <= now ? `${times.closed(moment(closes))}. ${times[status]}` : times[status]
  }
  return closes_at !== undefined && status === "open" ? times.closes(until(closes - now), moment(closes)) : ""
}
