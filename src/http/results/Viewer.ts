import type { ServerResponse } from "node:http"
import { type Cause, Queue } from "effect"
import type { Poll } from "../../domain/Poll.ts"
import { isLaterStatus } from "../../domain/PollStatus.ts"
import type { Snapshot } from "./LiveResults.ts"

/** How often a quiet connection gets a comment, in ms, so that nobody in between takes it for dead. */
export const heartbeat = 15_000
/** How long a viewer may leave bytes unread, in ms, before it is dropped. */
const patience = 15_000

/** Where a viewer's frames go. */
export interface Outlet {
  send(frame: Uint8Array): void
  /** Whether what was sent last has not been taken yet. */
  isWaiting(): boolean
  /** Ends the stream as an answer should end, once what was sent is taken. */
  end(): void
  /** Ends its connection, however much is unread on it. */
  drop(): void
}

/** Writes frames to Node's response, whose head is written already: nothing lies between a frame and the socket. */
export class ResponseOutlet implements Outlet {
  readonly #response: ServerResponse
  constructor(response: ServerResponse) {
    this.#response = response
  }
  send(frame: Uint8Array) {
    this.#response.write(frame)
  }
  isWaiting() {
    return this.#response.writableLength > 0
  }
  end() {
    this.#response.end()
  }
  drop() {
    this.#response.destroy()
  }
}

/** Puts frames into the queue that a stream takes from. */
export const queueOutlet = (frames: Queue.Queue<Uint8Array, Cause.Done>, drop: () => void): Outlet => ({
  send: (frame) => void Queue.offerUnsafe(frames, frame),
  isWaiting: () => Queue.sizeUnsafe(frames) > 0,
  end: () => void Queue.endUnsafe(frames),
  drop: () => {
    Queue.endUnsafe(frames)
    drop()
  }
})

/** One who watches a poll's results as Server-Sent Events. */
export interface Viewer {
  readonly outlet: Outlet
  /** The snapshot that it was sent last, if any, and when it was sent something, in ms of `elapsed`. */
  shown: Snapshot | undefined
  sentAt: number
  /** Since when, in ms of `elapsed`, it has not taken what it was sent. */
  waitingSince: number | undefined
}

export const comment: Uint8Array = Buffer.from(":\n")

/** The frames, each made once for all viewers. */
const frames = new WeakMap<Snapshot, Uint8Array>()

/** Returns a snapshot as an event. The body is JSON on one line, so that it needs no splitting. */
export const frameOf = (snapshot: Snapshot): Uint8Array => {
  const made = frames.get(snapshot)
  if (made !== undefined) return made
  // A Buffer: of any other array, a socket makes one with each write.
  const frame = Buffer.from(`event: tally\nid: ${snapshot.id}\ndata: ${snapshot.body}\n\n`)
  frames.set(snapshot, frame)
  return frame
}

/** Returns the event that names a poll's version, for who may not see its results. */
export const frameOfPoll = ({ version }: Poll): Uint8Array =>
  Buffer.from(`event: poll\ndata: ${JSON.stringify({ version: version ?? 0 })}\n\n`)

/**
 * Sends a viewer what is new to it. A viewer that has not taken the last frame is left alone until it has, and then gets the
 * latest, so that a slow one costs no memory. Returns false for a viewer that is stuck, which is dropped.
 */
export const serve = (viewer: Viewer, latest: Snapshot | undefined, now: number): boolean => {
  const { outlet } = viewer
  if (outlet.isWaiting()) {
    viewer.waitingSince ??= now
    if (now - viewer.waitingSince <= patience) return true
    outlet.drop()
    return false
  }
  viewer.waitingSince = undefined
  if (latest !== undefined && isNewer(latest, viewer.shown)) {
    outlet.send(frameOf(latest))
    viewer.shown = latest
    viewer.sentAt = now
  } else if (now - viewer.sentAt >= heartbeat) {
    outlet.send(comment)
    viewer.sentAt = now
  }
  return true
}

/**
 * Whether a reading goes beyond what a viewer was sent. An answer of a replica that is behind does not, since revisions only
 * rise. Those of a ledger that was restored or made anew begin lower: its first reading takes the place of any other. A poll
 * opens and closes by its times without a new revision, and a ranked poll is tabulated after its revision.
 */
const isNewer = (latest: Snapshot, shown: Snapshot | undefined): boolean =>
  shown === undefined ||
  latest.epoch !== shown.epoch ||
  latest.revision > shown.revision ||
  (latest.revision === shown.revision &&
    (isLaterStatus(latest.status, shown.status) || isShut(latest, shown) || tabulatedAt(latest) > tabulatedAt(shown)))

/** Whether the poll was open before and is closed for a moment, so that it can be changed. */
const isShut = (latest: Snapshot, shown: Snapshot): boolean => latest.status === "upcoming" && shown.status === "open"

/** The revision of a reading's tabulation; 0 where it has none. */
const tabulatedAt = ({ results }: Snapshot): number => results.tabulation?.revision ?? 0
