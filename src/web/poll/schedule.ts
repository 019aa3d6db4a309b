import type { PollView } from "../../domain/Poll.ts"
import { moment, times, until } from "../words.ts"

/** The poll's status at a time in ms, by the reader's clock; the service's own word of the end stands above it. */
export const statusAt = ({ closes_at, opens_at }: PollView, closed: boolean, now: number): PollView["status"] => {
  if (closed || (closes_at !== undefined && now >= Date.parse(closes_at))) return "closed"
  return opens_at !== undefined && now < Date.parse(opens_at) ? "upcoming" : "open"
}

/** When it opens, closes or has closed, in words. */
export const timesAt = ({ closes_at, opens_at }: PollView, status: PollView["status"], now: number): string => {
  if (status === "upcoming" && opens_at !== undefined) {
    return times.opens(until(Date.parse(opens_at) - now), moment(Date.parse(opens_at)))
  }
  if (closes_at === undefined) return ""
  const closes = Date.parse(closes_at)
  if (status === "open") return times.closes(until(closes - now), moment(closes))
  return closes <= now ? times.closed(moment(closes)) : ""
}
