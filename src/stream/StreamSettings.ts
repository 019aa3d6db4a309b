import { Context } from "effect"

/** What every process has to know of the stream: those that append to it, and those that count. */
export class StreamSettings extends Context.Service<
  StreamSettings,
  {
    /** The name of the stream, or what the names of its shards begin with. */
    readonly stream: string
    /** How many streams the votes are spread over; more than one have numbers in their names. */
    readonly shards: number
    /** The consumer group that counts. */
    readonly group: string
    /** How long a consumer waits for entries before it asks again, in ms: one that is silent for much longer is gone. */
    readonly blockMs: number
    /** How many votes may wait to be counted before no more are accepted. */
    readonly maxBacklog: number
    /** How long an idempotency key is remembered, in ms. */
    readonly idempotencyTtl: number
    /** How much of each node's memory the records of idempotency keys may hold, in bytes; undefined: by what Redis has. */
    readonly idempotencyMemory: number | undefined
    /** How many replicas must have a vote before it counts as appended; 0 to wait for none. */
    readonly appendReplicas: number
    /** Whether votes carry their trace along. */
    readonly tracing: boolean
  }
>()("tallykeep/stream/StreamSettings") {}
