import type { Poll } from "../../domain/Poll.ts"
import { publicBriefly } from "../ETag.ts"

/** Returns the header that tells a page the time that polls open and close by, in ms since 1970: `Date` is the process's own. */
export const pollTime = (now: number) => ({ "poll-time": String(Math.floor(now)) })

/** Returns the headers of a poll's results: nothing in between may keep what not everyone may see. */
export const snapshotHeaders = (poll: Poll, etag: string, now: number) => ({
  etag,
  ...pollTime(now),
  "cache-control": poll.results === "live" ? publicBriefly : "private, no-store"
})

/** The headers of results as events. A proxy that gathers answers up would hold the events back, hence `x-accel-buffering`. */
export const eventsHeaders = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  "x-accel-buffering": "no"
}
