import { Effect } from "effect"
import { OutOfService } from "../domain/Problems.ts"
import { type Acceptance, type AuditedEntry, latestAcceptance, parseEntryId } from "../domain/Vote.ts"
import { elapsed } from "../Elapsed.ts"
import { command } from "./Redis.ts"
import type { Shard } from "./Shards.ts"
import { entryVoteId } from "./VoteEntry.ts"

/** An entry that a stream holds, and whether it is still to be acked. */
export interface HeldEntry extends AuditedEntry {
  readonly stream: string
  readonly entryId: string
  readonly unacked: boolean
}

/** The streams' side of the books, up to a cut: a place in the order of entries. */
export interface StreamBooks {
  readonly streams: ReadonlyArray<string>
  /** How many entries were ever appended. */
  readonly added: number
  readonly cut: Acceptance
  readonly held: ReadonlyArray<HeldEntry>
}

const pageSize = 5_000
/** How long nothing is trimmed, in ms; the cut has to be made within this time. */
const holdFor = 10_000

const compare = (a: Acceptance, b: Acceptance): number => (a.ms === b.ms ? Number(a.seq - b.seq) : Number(a.ms - b.ms))

const acceptanceOf = (id: string): Acceptance => parseEntryId(id) ?? latestAcceptance

/** A place in the order of entries, as an entry id and as an acceptance. */
interface Cut extends Acceptance {
  readonly id: string
}

const infoRecord = (info: ReadonlyArray<unknown>): Record<string, unknown> =>
  Object.fromEntries(info.flatMap((name, index) => (index % 2 === 0 ? [[String(name), info[index + 1]]] : [])))

/**
 * Reads the streams, while votes may be appended to them and counted from them. Since the ledger does not say which stream a
 * row is from, there is one cut for all streams: the end of the one that ends first. No entry that is appended later, to
 * whichever stream, is below it.
 */
export const readStreams = Effect.fnUntraced(function* (
  shards: ReadonlyArray<Shard>,
  group: string
): Effect.fn.Return<StreamBooks, OutOfService> {
  const each = <A>(ask: (shard: Shard) => Effect.Effect<A, OutOfService>) =>
    Effect.forEach(shards, ask, { concurrency: "unbounded" })

  const started = yield* elapsed
  const ends = yield* each(endOf)
  const cut = ends.reduce((earliest, end) => (compare(end, earliest) < 0 ? end : earliest))
  const added = yield* each(({ client, stream }) => command(() => client.appendedUpTo(stream, cut.id)))
  if ((yield* elapsed) - started >= holdFor) return yield* tooSlow
  const held = yield* each((shard) => readHeld(shard, group, cut.id))
  return {
    streams: shards.map(({ stream }) => stream),
    added: added.reduce((sum, entries) => sum + entries, 0),
    cut: { ms: cut.ms, seq: cut.seq },
    held: held.flat()
  }
})

const tooSlow = new OutOfService({ part: "redis", cause: new Error("It takes too long to read the streams' ends") })

/**
 * Finds where a stream ends at this moment: its last entry, or the time, where that is later. Entries appended from now on
 * are not trimmed for a while.
 */
const endOf = ({ client, keyPrefix, stream }: Shard): Effect.Effect<Cut, OutOfService> =>
  Effect.map(
    command(() => client.holdTrims(stream, `${keyPrefix}:trimmed`, holdFor)),
    ([last, ms]) => {
      const end = { ...acceptanceOf(last), id: last }
      // The next entry may be appended within the same ms.
      const before = { ms: BigInt(ms) - 1n, seq: latestAcceptance.seq }
      return compare(end, before) > 0 ? end : { ...before, id: `${before.ms}-${before.seq}` }
    }
  )

/** Reads the entries that a stream holds up to an id. */
const readHeld = Effect.fnUntraced(function* (shard: Shard, group: string, upTo: string) {
  const { client, stream } = shard
  const entries = yield* readPages((from) => client.xrange(stream, from, upTo, "COUNT", pageSize))
  // In this order, an entry that is given out and acked meanwhile counts as pending; in the other, it could count as lost.
  if (entries.length === 0) return []
  const groups = yield* command(() => client.xinfo("GROUPS", stream) as Promise<ReadonlyArray<ReadonlyArray<unknown>>>)
  const delivered = groups.map(infoRecord).find(({ name }) => name === group)?.["last-delivered-id"]
  const lastDelivered = acceptanceOf(typeof delivered === "string" ? delivered : "0-0")
  const pending =
    delivered === undefined
      ? []
      : yield* readPages(
          (from) => client.xpending(stream, group, from, upTo, pageSize) as Promise<ReadonlyArray<readonly [string]>>
        )
  const pendingIds = new Set(pending.map(([id]) => id))
  return entries.map(([entryId, fields]): HeldEntry => {
    const acceptance = acceptanceOf(entryId)
    const voteId = entryVoteId(stream, entryId, fields)
    const unacked = pendingIds.has(entryId) || compare(acceptance, lastDelivered) > 0
    return { ...acceptance, stream, entryId, voteId, unacked }
  })
})

const readPages = Effect.fnUntraced(function* <Row extends readonly [id: string, ...rest: ReadonlyArray<unknown>]>(
  read: (from: string) => Promise<ReadonlyArray<Row>>
) {
  const rows: Array<Row> = []
  for (let from = "-"; ; ) {
    const start = from
    const page = yield* command(() => read(start))
    for (const row of page) rows.push(row)
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return rows
    from = `(${last[0]}`
  }
})
