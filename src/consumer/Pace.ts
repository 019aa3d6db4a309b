import type { ConsumerSettings } from "./ConsumerSettings.ts"

/**
 * When the consumers of a shard read new entries. A batch costs the database, Redis and the processes hardly more than one vote,
 * so the reads are kept apart: what comes in between is one batch.
 */
export interface Pace {
  /** Returns how long to wait before the next read, in ms, and puts the reads after it off by COUNT_WITHIN. */
  next(): number
  /** Says how many entries a read has brought. */
  read(entries: number): void
}

/**
 * Makes the pace of a shard: its reads begin `countWithin` ms apart, whichever consumer they are of. Where votes come further
 * apart than that, each finds a consumer that waits for it in Redis, and is counted at once. From half a batch on, nobody waits.
 */
export const makePace = (
  { batchSize, countWithin }: Pick<ConsumerSettings["Service"], "batchSize" | "countWithin">,
  now: () => number = () => performance.now()
): Pace => {
  let due = 0
  let behind = false
  return {
    next: () => {
      const at = now()
      if (behind || due < at) due = at
      const wait = due - at
      due += countWithin
      return wait
    },
    read: (entries) => {
      behind = entries >= batchSize / 2
    }
  }
}
