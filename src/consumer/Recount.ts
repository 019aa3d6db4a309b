import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import type { DeadEntry, Ledger, Recorded } from "../ledger/Ledger.ts"
import { eachHeld, lastDelivered } from "../stream/HeldEntries.ts"
import { command } from "../stream/Redis.ts"
import type { Fence } from "../stream/ReplicatedWrites.ts"
import type { Shard } from "../stream/Shards.ts"
import { batchOf } from "./EntryBatch.ts"
import { recordBatch } from "./RecordBatch.ts"

/** What became of entries that were counted again. */
export interface Recounted extends Readonly<Record<Recorded["status"] | "dead", number>> {
  readonly entries: number
  /** Those of them that the ledger held already, under the same entry or another one. */
  readonly known: number
  /** Those that are older than what the ledger keeps: they may have been counted, and are left alone. */
  readonly old: number
}

export interface RecountOptions {
  readonly group: string
  readonly maxRetries: number
  readonly fence: Fence
  /** The first entry, as XRANGE has it. */
  readonly from: string
  /** Is told after each page of the sum so far, and of the polls whose tallies may have changed. */
  readonly progress: (sum: Recounted, polls: ReadonlySet<string>) => Effect.Effect<void>
}

export const nothingRecounted: Recounted = {
  entries: 0,
  counted: 0,
  rejected: 0,
  superseded: 0,
  dead: 0,
  known: 0,
  old: 0
}

/** How long nothing is trimmed while a page is counted, in ms. */
const holdFor = 60_000

/**
 * Brings the entries that a stream still holds and a consumer was given into the ledger once more, beside the consumers: an
 * entry that the ledger has changes nothing, and one that it lacks is counted as of its acceptance. It does not give the
 * entries to the group again: they would hold up new votes, and count against MAX_BACKLOG.
 */
export const recount = Effect.fnUntraced(function* (
  ledger: Ledger["Service"],
  shard: Shard,
  { fence, from, group, maxRetries, progress }: RecountOptions,
  before: Recounted
): Effect.fn.Return<Recounted, OutOfService> {
  const { client, keyPrefix, stream } = shard
  const sum = { ...before }
  const polls = new Set<string>()

  const adding: Ledger["Service"] = {
    ...ledger,
    count: (votes) =>
      Effect.tap(ledger.count(votes), ({ recorded }) =>
        Effect.sync(() => {
          for (const { poll, status, votes } of recorded) {
            sum[status] += votes
            polls.add(poll)
          }
        })
      ),
    bury: (entries) =>
      Effect.flatMap(keptOf(ledger, entries), (kept) => {
        sum.old += entries.length - kept.length
        return kept.length === 0 ? Effect.succeed([]) : ledger.bury(kept)
      })
  }

  const hold = command(() => client.holdTrims(stream, `${keyPrefix}:trimmed`, holdFor))
  yield* hold
  const upTo = yield* lastDelivered(shard, group)
  if (upTo === undefined) return sum
  yield* fence(shard, shard.writer)
  yield* eachHeld(shard, { from, to: upTo }, (page) =>
    Effect.gen(function* () {
      yield* hold
      polls.clear()
      const batch = batchOf(page.map(([id, fields]) => ({ id, fields })))
      const { dead } = yield* recordBatch(adding, client, { stream, group, maxRetries }, batch)
      sum.entries += page.length
      sum.dead += dead
      sum.known = sum.entries - sum.counted - sum.rejected - sum.superseded - sum.dead - sum.old
      yield* progress({ ...sum }, polls)
      return true
    })
  )
  return sum
})

/** Leaves out the entries from before what the ledger keeps: it does not know any more whether they were counted or dead. */
const keptOf = Effect.fnUntraced(function* (ledger: Ledger["Service"], entries: ReadonlyArray<DeadEntry>) {
  const oldest = entries.reduce((first, { voteId }) => (voteId < first ? voteId : first), entries[0]?.voteId ?? "")
  if (yield* ledger.keeps(oldest)) return entries
  return yield* Effect.filter(entries, ({ voteId }) => ledger.keeps(voteId))
})
