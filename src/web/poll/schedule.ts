import type { PollView } from "../../domain/PollView.ts"
import { moment, times, until } from "../words.ts"

/** Returns the poll's status at a time in ms, by the service's clock; if the service has said that it has closed, it has. */
export const statusAt = (
  { closes_at, opens_at }: PollView,
  said: PollView["status"],
  now: number
): PollView["status"] => {
  if (said === "final") return "final"
  if (said === "counting" || (closes_at !== undefined && now >= Date.parse(closes_at))) return "counting"
  return opens_at !== undefined && now < Date.parse(opens_at) ? "upcoming" : "open"
}

/** Says in words when the poll opens, closes or has closed, and whether its result is final. */
export const timesAt = ({ closes_at, opens_at }: PollView, status: PollView["status"], now: number): string => {
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
