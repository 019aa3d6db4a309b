import { type Cause, Queue } from "effect"
import type { Snapshot } from "./LiveResults.ts"

/** How often a quiet connection gets a comment, so that nobody in between takes it for dead, in ms. */
const heartbeat = 15_000
/** How long a viewer may leave what it is sent unread, in ms, before it is dropped. */
const patience = 15_000

/** Who watches a poll's results as Server-Sent Events. */
export interface Viewer {
  readonly frames: Queue.Queue<Uint8Array, Cause.Done>
  /** Ends its connection, however much is unread on it. */
  readonly drop: () => void
  /** What it was sent last, and when. */
  shown: Snapshot
  sentAt: number
  /** Since when it has not taken what waits for it. */
  waitingSince?: number | undefined
}

const encoder = new TextEncoder()
export const comment = encoder.encode(":\n\n")

/** Each is made once for all viewers. */
const frames = new WeakMap<Snapshot, Uint8Array>()

/** The body holds no line break: it is JSON as one line. */
export const frameOf = (snapshot: Snapshot): Uint8Array => {
  const made = frames.get(snapshot)
  if (made !== undefined) return made
  const frame = encoder.encode(`event: tally\nid: ${snapshot.revision}\ndata: ${snapshot.body}\n\n`)
  frames.set(snapshot, frame)
  return frame
}

/**
 * Sends a viewer what is new to it. Only what is latest waits for one, so that a slow one costs no memory; false for one
 * that is stuck, which is dropped.
 */
export const serve = (viewer: Viewer, latest: Snapshot | undefined, now: number): boolean => {
  const waiting = Queue.sizeUnsafe(viewer.frames) > 0
  viewer.waitingSince = waiting ? (viewer.waitingSince ?? now) : undefined
  if (viewer.waitingSince !== undefined && now - viewer.waitingSince > patience) {
    Queue.endUnsafe(viewer.frames)
    viewer.drop()
    return false
  }
  // Another process may answer from a replica that is behind: revisions only rise.
  if (latest !== undefined && isNewer(latest, viewer.shown)) {
    Queue.offerUnsafe(viewer.frames, frameOf(latest))
    Object.assign(viewer, { shown: latest, sentAt: now })
  } else if (!waiting && now - viewer.sentAt >= heartbeat) {
    Queue.offerUnsafe(viewer.frames, comment)
    viewer.sentAt = now
  }
  return true
}

/** By its times alone, a poll opens and closes without a new revision. */
const order: Readonly<Record<Snapshot["status"], number>> = { upcoming: 0, open: 1, closed: 2 }

const isNewer = (latest: Snapshot, shown: Snapshot): boolean =>
  latest.revision > shown.revision || (latest.revision === shown.revision && order[latest.status] > order[shown.status])
