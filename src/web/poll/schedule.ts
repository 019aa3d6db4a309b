import type { PollView } from "../../domain/Poll.ts"
import { moment, times, until } from "../words.ts"

/** Returns the poll's status at a time in ms, by the service's clock; if the service says that it is closed, it is. */
export const statusAt = ({ closes_at, opens_at }: PollView, closed: boolean, now: number): PollView["status"] => {
  if (closed || (closes_at !== undefined && now >= Date.parse(closes_at))) return "closed"
  return opens_at !== undefined && now < Date.parse(opens_at) ? "upcoming" : "open"
}

/** Says in words when the poll opens, closes or has closed. */
export const timesAt = ({ closes_at, opens_at }: PollView, status: PollView["status"], now: number): string => {
  if (status === "upcoming" && opens_at !== undefined) {
    return times.opens(until(Date.parse(opens_at) - now), moment(Date.parse(opens_at)))
  }
  if (closes_at === undefined) return ""
  const closes = Date.parse(closes_at)
  if (status === "open") return times.closes(until(closes - now), moment(closes))
  return closes <= now ? times.closed(moment(closes)) : ""
}
