import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import type { Ledger } from "../ledger/Ledger.ts"
import type { Connection } from "../stream/Redis.ts"
import { command } from "../stream/Redis.ts"
import type { CountMetrics } from "./CountMetrics.ts"
import { batchOf } from "./EntryBatch.ts"
import { ensureGroup, entriesIn, type Reply } from "./Reader.ts"
import { recordBatch } from "./RecordBatch.ts"

export interface TakeOverOptions {
  readonly stream: string
  readonly group: string
  readonly consumer: string
  readonly batchSize: number
  readonly maxRetries: number
  readonly claimIdleMs: number
  /** Waits until replicas have what was claimed or read, where they must. */
  readonly fence: Effect.Effect<void, OutOfService>
}

/** XAUTOCLAIM's answer: where to go on, the entries, and the ids of entries that the stream no longer holds. */
type Claimed = readonly [
  next: string,
  entries: ReadonlyArray<readonly [string, Array<string>]>,
  deleted: ReadonlyArray<string>
]

/** The cursor with which a walk over the pending entries starts, and which it comes back to at the end. */
const start = "0-0"

/**
 * Takes over the entries that any consumer was given and has not acked for `claimIdleMs`, brings them into the ledger and
 * acks them; returns how many. The consumer that held them may be slow rather than dead, and count them as well: the ledger
 * takes each vote once. Entries that the stream no longer holds are logged as lost.
 */
export const takeOver = Effect.fnUntraced(function* (
  ledger: Ledger["Service"],
  client: Connection,
  options: TakeOverOptions,
  metrics: CountMetrics
): Effect.fn.Return<number, OutOfService> {
  const { batchSize, claimIdleMs, consumer, fence, group, stream } = options
  let cursor = start
  let claimed = 0
  do {
    const from = cursor
    const [next, entries, deleted] = yield* command(
      () =>
        client.xautoclaim(stream, group, consumer, claimIdleMs, from, "COUNT", batchSize) as unknown as Promise<Claimed>
    )
    if (deleted.length > 0) {
      metrics.lost(deleted.length)
      yield* Effect.logError(`LOST: ${deleted.length} entries were deleted from ${stream} before they were counted`, {
        entries: deleted
      })
    }
    if (entries.length > 0) {
      yield* fence
      const { polls } = yield* recordBatch(
        ledger,
        client,
        options,
        batchOf(entries.map(([id, fields]) => ({ id, fields })))
      )
      yield* command(() => client.xack(stream, group, ...entries.map(([id]) => id)))
      claimed += entries.length
      for (const [poll, votes] of polls) metrics.redelivered(poll, votes)
      yield* Effect.logInfo(`${consumer} took over ${entries.length} votes that were left uncounted`)
    }
    cursor = next
  } while (cursor !== start)
  return claimed
})

/** Counts and acks all entries of a stream that no consumer of a pool reads any more. */
export const drain = Effect.fnUntraced(function* (
  ledger: Ledger["Service"],
  client: Connection,
  options: TakeOverOptions
): Effect.fn.Return<void, OutOfService> {
  const { batchSize, consumer, fence, group, stream } = options
  yield* ensureGroup(client, stream, group)
  for (;;) {
    const reply = yield* command(
      () =>
        client.xreadgroup("GROUP", group, consumer, "COUNT", batchSize, "STREAMS", stream, ">") as Promise<Reply | null>
    )
    const entries = entriesIn(reply)
    if (entries.length === 0) return
    yield* fence
    yield* recordBatch(ledger, client, options, batchOf(entries))
    yield* command(() => client.xack(stream, group, ...entries.map(({ id }) => id)))
    yield* Effect.logInfo(`Counted ${entries.length} votes of ${stream}, which is no longer appended to`)
  }
})
