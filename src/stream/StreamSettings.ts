import { Context } from "effect"

/** How the stream is named and read. */
export class StreamSettings extends Context.Service<
  StreamSettings,
  {
    readonly stream: string
    /** How many streams the votes are spread over; more than one have numbers in their names. */
    readonly shards: number
    readonly group: string
    /** The prefix of this process's consumers, which are `<consumer>-<n>`. */
    readonly consumer: string
    /** How many fibers read and count. */
    readonly fibers: number
    /** The most entries that one read takes. */
    readonly batchSize: number
    /** How long a read waits for entries, in ms. */
    readonly blockMs: number
    /** After how long without an ack another consumer takes an entry over, in ms. */
    readonly claimIdleMs: number
    /** How many votes may wait to be counted before no more are accepted. */
    readonly maxBacklog: number
    /** How long an idempotency key is remembered, in ms. */
    readonly idempotencyTtl: number
    /** Whether votes carry their trace along. */
    readonly tracing: boolean
    /** How often a vote may fail by itself before it is dead. */
    readonly maxRetries: number
  }
>()("tallykeep/stream/StreamSettings") {}
