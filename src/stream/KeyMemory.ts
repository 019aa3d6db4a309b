import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { cachedFor } from "../Elapsed.ts"
import type { Keeping } from "./Durability.ts"
import { makeOutageLog } from "./Outage.ts"
import type { StreamSettings } from "./StreamSettings.ts"

/** How long a new record lives while records hold more than their share, in ms. */
const brief = 15 * 60_000

/** The share of records where Redis has no `maxmemory` or does not tell it, in bytes. */
const defaultLimit = 256 * 2 ** 20

/** How often Redis is asked for its `maxmemory`, in ms. */
const limitInterval = 10_000

/** Records live briefly until they hold less than this part of their share, so that one record more or less changes nothing. */
const release = 0.9

/**
 * What the records of idempotency keys hold of Redis's memory, as last seen, and what follows for new ones: over their share
 * they live briefly, over twice that there are none. Of several nodes, the one that holds the most decides for all.
 */
export interface KeyMemory {
  /** Returns the bytes that records hold. */
  readonly bytes: () => number
  /** Returns their share: `IDEMPOTENCY_MEMORY`, else a quarter of `maxmemory`; in bytes. */
  readonly limit: () => number
  /** Returns how long a new record lives, in ms. */
  readonly ttl: () => number
  /** Whether no vote with a new key is taken. */
  readonly isFull: () => boolean
  /** Asks Redis. */
  readonly sample: Effect.Effect<void, OutOfService>
}

/** What Redis is asked for. */
interface Nodes {
  readonly keeping: Effect.Effect<Keeping, OutOfService>
  readonly keyBytes: Effect.Effect<number, OutOfService>
}

export const makeKeyMemory = Effect.fnUntraced(function* (
  { idempotencyMemory, idempotencyTtl }: StreamSettings["Service"],
  { keeping, keyBytes }: Nodes
) {
  let bytes = 0
  let limit = idempotencyMemory ?? defaultLimit
  let ttl = idempotencyTtl
  let isOver = false
  const outage = makeOutageLog("Idempotency keys are remembered for IDEMPOTENCY_TTL")

  const readLimit = yield* Effect.match(keeping, {
    onSuccess: ({ maxMemory }) => {
      limit = idempotencyMemory ?? (Number.isFinite(maxMemory) ? Math.floor(maxMemory / 4) : defaultLimit)
    },
    // What was last heard goes on to hold.
    onFailure: () => undefined
  }).pipe(cachedFor(limitInterval))

  const sample = Effect.gen(function* () {
    yield* readLimit
    bytes = yield* keyBytes
    isOver = bytes >= (isOver ? release * limit : limit)
    ttl = isOver ? Math.min(brief, idempotencyTtl) : idempotencyTtl
    yield* isOver
      ? outage.down(
          "remember new idempotency keys for longer than 15 minutes",
          `records hold ${bytes} bytes of Redis's memory, and their share is ${limit} (IDEMPOTENCY_MEMORY)`
        )
      : outage.up
  })

  const made: KeyMemory = {
    bytes: () => bytes,
    limit: () => limit,
    ttl: () => ttl,
    isFull: () => bytes >= 2 * limit,
    sample
  }
  return made
})
