import type { Poll } from "../../domain/Poll.ts"
import { publicBriefly } from "../ETag.ts"

/** Returns the headers of a poll's results: nothing in between may keep what not everyone may see. */
export const snapshotHeaders = (poll: Poll, etag: string) => ({
  etag,
  "cache-control": poll.results === "live" ? publicBriefly : "private, no-store"
})

/** The headers of results as events. A proxy that gathers answers up would hold the events back, hence `x-accel-buffering`. */
export const eventsHeaders = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  "x-accel-buffering": "no"
}
