import { Context } from "effect"

/** Which acked entries stay in the streams: those younger than `ms`, and the latest `entries` of all streams together. */
export interface StreamRetention {
  readonly ms: number
  readonly entries: number
}

/** How a process reads the stream and counts. */
export class ConsumerSettings extends Context.Service<
  ConsumerSettings,
  {
    /** What the names of this process's consumers begin with. */
    readonly consumer: string
    /** How many fibers read and count. */
    readonly fibers: number
    /** The most entries that one read takes. */
    readonly batchSize: number
    /** How long a read waits for entries, in ms. */
    readonly blockMs: number
    /** How far apart a shard is read, so that what comes in between is counted together, in ms. */
    readonly countWithin: number
    /** After how long without an ack another consumer takes an entry over, in ms. */
    readonly claimIdleMs: number
    /** How often a vote may fail by itself before it is dead. */
    readonly maxRetries: number
    readonly streamRetention: StreamRetention
    /** Whether votes are read from the bytes of Redis's answers (bytes/FastRead.ts), or as Redis's client decodes them. */
    readonly fastRead: boolean
  }
>()("tallykeep/consumer/ConsumerSettings") {}
