import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { slugPattern } from "../domain/OptionIds.ts"
import type { OutOfService } from "../domain/Problems.ts"
import { entryMs } from "../domain/Vote.ts"
import { lastDeletions } from "../ledger/Deletions.ts"
import type { DeadEntry, Ledger, Recorded } from "../ledger/Ledger.ts"
import { eachHeld, lastDelivered } from "../stream/HeldEntries.ts"
import { command } from "../stream/Redis.ts"
import type { Fence } from "../stream/ReplicatedWrites.ts"
import type { Shard } from "../stream/Shards.ts"
import { fieldsByName } from "../stream/VoteEntry.ts"
import { batchOf } from "./EntryBatch.ts"
import { recordBatch } from "./RecordBatch.ts"

/** What became of entries that were counted again. */
export interface Recounted extends Readonly<Record<Recorded["status"] | "dead", number>> {
  readonly entries: number
  /** Those of them that the ledger held already, under the same entry or another one. */
  readonly known: number
  /** Those that are older than what the ledger keeps, or than a poll's deletion: they may have been counted, and are left alone. */
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

/**
 * How long after a poll's deletion an entry may still be taken for one of before, in ms: the clocks of stream and database differ. A poll
 * that is made again takes none so early.
 */
const skew = 5_000n

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
): Effect.fn.Return<Recounted, OutOfService, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
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
      Effect.flatMap(Effect.provideService(keptOf(ledger, entries), SqlClient.SqlClient, sql), (kept) => {
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
      const entries = page.map(([id, fields]) => ({ id, fields, poll: fieldsByName(fields).poll, ms: entryMs(id) }))
      const kept = yield* withoutDeleted(entries)
      sum.old += entries.length - kept.length
      const batch = batchOf(kept)
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

/**
 * Leaves out the entries of polls that were deleted since: what the ledger had of them is gone for good, and in the books as a number.
 * Counted again, they would be rejected or dead, and in the books twice.
 */
const withoutDeleted = Effect.fnUntraced(function* <
  Entry extends { readonly poll?: string | null | undefined; readonly ms: bigint | number }
>(entries: ReadonlyArray<Entry>) {
  const polls = new Set(entries.map(({ poll }) => poll ?? "").filter((poll) => slugPattern.test(poll)))
  const deletions = yield* lastDeletions([...polls])
  return entries.filter(({ ms, poll }) => {
    const deleted = deletions.get(poll ?? "")
    return deleted === undefined || ms >= deleted + skew
  })
})

/** Leaves out the entries from before what the ledger keeps: it does not know any more whether they were counted or dead. */
const keptOf = Effect.fnUntraced(function* (ledger: Ledger["Service"], entries: ReadonlyArray<DeadEntry>) {
  // A poll may have been deleted just now.
  const there = yield* withoutDeleted(entries)
  const oldest = there.reduce((first, { voteId }) => (voteId < first ? voteId : first), there[0]?.voteId ?? "")
  if (there.length === 0 || (yield* ledger.keeps(oldest))) return there
  return yield* Effect.filter(there, ({ voteId }) => ledger.keeps(voteId))
})
