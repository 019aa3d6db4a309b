import { Effect } from "effect"
import type { ConsumerSettings } from "./ConsumerSettings.ts"

/**
 * When the consumers of a shard read new entries. A batch costs the database, Redis and the process hardly more than one vote,
 * so votes are left in the stream for a while where more are to be expected. One consumer waits in Redis for the shard's next
 * vote; several would take the votes one by one, side by side.
 */
export interface Pace {
  /** Takes the turn to read; false while another consumer has it, unless for longer than a read can take. */
  take(): boolean
  /** Waits until the turn may be free. */
  readonly freed: Effect.Effect<void>
  /** Returns how long whoever has the turn has to wait before reading, in ms. */
  rest(): number
  /** Says that a read, begun in turn or not, has just brought so many entries. */
  read(entries: number): void
  /** Gives the turn back. */
  giveBack(): void
  /** Whether so much waits that all consumers read as fast as they can, without a turn. */
  isBehind(): boolean
}

/** At so many votes a second, a vote waits for half of the longest time. */
const halfway = 100

/** After so much more than pause and BLOCK_MS the connection of whoever has the turn is taken to hang, in ms. */
const grace = 1_000

/**
 * Makes the pace of a shard. Votes that come far apart are read at once; the more come in, the longer the pause, up to
 * `countWithin` ms after the last read. From half a batch on there is none.
 */
export const makePace = (
  { batchSize, blockMs, countWithin }: Pick<ConsumerSettings["Service"], "batchSize" | "blockMs" | "countWithin">,
  now: () => number = () => performance.now()
): Pace => {
  /** Until when the turn is not free; in the past where it is. */
  let takenUntil = Number.NEGATIVE_INFINITY
  let behind = false
  let readAt = Number.NEGATIVE_INFINITY
  let pause = 0
  const waiting = new Set<() => void>()
  return {
    take: () => {
      if (now() < takenUntil) return false
      takenUntil = now() + countWithin + blockMs + grace
      return true
    },
    freed: Effect.callback((resume) => {
      if (now() >= takenUntil) return resume(Effect.void)
      const wake = () => resume(Effect.void)
      waiting.add(wake)
      return Effect.sync(() => waiting.delete(wake))
    }),
    rest: () => Math.max(0, readAt + pause - now()),
    read: (entries) => {
      const at = now()
      const rate = (entries * 1000) / Math.max(1, at - readAt)
      readAt = at
      behind = entries >= batchSize / 2
      pause = behind ? 0 : (countWithin * rate) / (rate + halfway)
    },
    giveBack: () => {
      takenUntil = Number.NEGATIVE_INFINITY
      // Who was woken in vain, since it stopped waiting just then, looks for the turn by itself.
      const [first] = waiting
      if (first === undefined) return
      waiting.delete(first)
      first()
    },
    isBehind: () => behind
  }
}
