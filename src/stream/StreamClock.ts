import type { Clock } from "effect"
import { elapsedMs } from "../Elapsed.ts"
import type { StreamState } from "./StreamState.ts"

/**
 * The time that the next vote would be accepted at, as far as this process knows: Redis's clock as last seen, or the last id of
 * a stream where that is ahead of it. Of several streams, the one that is ahead.
 */
export interface StreamClock {
  /** Returns the time in ms since 1970; by our own clock as long as Redis has not been seen. */
  now(): number
  /** Takes a stream's state for what it says of the time. */
  see(state: StreamState): void
  /** Hears that a stream has come to a time, in ms since 1970. */
  reached(stream: string, ms: number): void
}

/** What is known of one stream: how far its Redis's clock is ahead of `elapsed`, and its last id; in ms. */
interface Seen {
  ahead: number
  lastMs: number
}

export const makeStreamClock = (clock: Clock.Clock): StreamClock => {
  const streams = new Map<string, Seen>()
  return {
    now: () => {
      if (streams.size === 0) return clock.currentTimeMillisUnsafe()
      const elapsed = elapsedMs(clock)
      let latest = 0
      for (const { ahead, lastMs } of streams.values()) latest = Math.max(latest, ahead + elapsed, lastMs)
      return latest
    },
    see: ({ answeredAt, askedAt, lastMs, stream, timeMs }) => {
      // The clock was read some time between question and answer. What was known before stays where it agrees with that: so
      // the time does not go back because an answer was slow.
      const [least, most] = [timeMs - answeredAt, timeMs - askedAt]
      const known = streams.get(stream)?.ahead ?? least
      streams.set(stream, { ahead: Math.min(Math.max(known, least), most), lastMs })
    },
    reached: (stream, ms) => {
      const known = streams.get(stream)
      if (known !== undefined && ms > known.lastMs) known.lastMs = ms
    }
  }
}
