import { Effect } from "effect"
import { OutOfService } from "../domain/Problems.ts"
import { type Acceptance, type AuditedEntry, acceptanceOf, isUpTo, latestAcceptance, placeOf } from "../domain/Vote.ts"
import { elapsed } from "../Elapsed.ts"
import { eachHeld, eachPage, lastDelivered, type RawEntry } from "./HeldEntries.ts"
import { command } from "./Redis.ts"
import type { Shard } from "./Shards.ts"
import { entryVoteId } from "./VoteEntry.ts"

/** The streams' side of the books, up to a cut: a place in the order of entries. */
export interface StreamBooks {
  readonly streams: ReadonlyArray<string>
  /** How many entries were ever appended. */
  readonly added: number
  readonly cut: Cut
  /** The entries that the streams hold and nobody has acked. */
  readonly unacked: ReadonlyArray<AuditedEntry>
}

/** A place in the order of entries, as an entry id and as an acceptance. */
export interface Cut extends Acceptance {
  readonly id: string
}

/** How many entries are asked for one by one at once. */
const portion = 500
/** How long nothing is trimmed, in ms; the cut has to be made within this time. */
const holdFor = 10_000

/**
 * Reads the streams, while votes may be appended to them and counted from them. Since the ledger does not say which stream a
 * row is from, there is one cut for all streams: the end of the one that ends first. No entry that is appended later, to
 * whichever stream, is below it. The ledger is to be read afterwards: what was acked by now is there then. `progress` is told
 * how many entries were read.
 */
export const readStreams = Effect.fnUntraced(function* (
  shards: ReadonlyArray<Shard>,
  group: string,
  progress: (entries: number) => Effect.Effect<void> = () => Effect.void
): Effect.fn.Return<StreamBooks, OutOfService> {
  const each = <A>(ask: (shard: Shard) => Effect.Effect<A, OutOfService>) =>
    Effect.forEach(shards, ask, { concurrency: "unbounded" })

  const started = yield* elapsed
  const ends = yield* each(endOf)
  const cut = ends.reduce((earliest, end) => (isUpTo(end, earliest) ? end : earliest))
  const added = yield* each(({ client, stream }) => command(() => client.appendedUpTo(stream, cut.id)))
  if ((yield* elapsed) - started >= holdFor) return yield* tooSlow
  let read = 0
  const unacked = yield* each((shard) =>
    readUnacked(shard, group, cut.id, (entries) => {
      read += entries
      return progress(read)
    })
  )
  return {
    streams: shards.map(({ stream }) => stream),
    added: added.reduce((sum, entries) => sum + entries, 0),
    cut,
    unacked: unacked.flat()
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
      return isUpTo(end, before) ? { ...before, id: `${before.ms}-${before.seq}` } : end
    }
  )

const audited = (stream: string, [id, fields]: RawEntry): AuditedEntry => ({
  stream,
  entry_id: id,
  vote_id: entryVoteId(stream, id, fields)
})

/**
 * Reads the entries up to an id that are not given out, and then those that are pending: an entry that is given out in between
 * may be among both, and one that is acked in between among either.
 */
const readUnacked = Effect.fnUntraced(function* (
  shard: Shard,
  group: string,
  upTo: string,
  progress: (entries: number) => Effect.Effect<void>
) {
  const { client, stream } = shard
  const unacked = new Map<string, AuditedEntry>()
  const note = (entry: RawEntry) => unacked.set(entry[0], audited(stream, entry))
  const delivered = yield* lastDelivered(shard, group)
  yield* eachHeld(shard, { from: `(${delivered ?? "0-0"}`, to: upTo }, (page) =>
    Effect.suspend(() => {
      page.forEach(note)
      return Effect.as(progress(page.length), true)
    })
  )
  if (delivered === undefined) return [...unacked.values()]
  yield* eachPage(
    (from) =>
      client.xpending(stream, group, from, upTo, portion) as Promise<
        ReadonlyArray<readonly [id: string, ...unknown[]]>
      >,
    "-",
    (page) =>
      Effect.map(
        command(() => Promise.all(page.map(([id]) => client.xrange(stream, id, id)))),
        (found) => {
          found.flat().forEach(note)
          return true
        }
      )
  )
  return [...unacked.values()]
})

/**
 * Finds the entries that streams hold, that were acked, and that `absent` leaves over of them; up to `most`. The entries are
 * handed to it a page at a time, with how many were seen so far: there may be millions.
 */
export const findAcked = Effect.fnUntraced(function* <E, R>(
  shards: ReadonlyArray<Shard>,
  { cut, unacked }: Pick<StreamBooks, "cut" | "unacked">,
  most: number,
  absent: (entries: ReadonlyArray<AuditedEntry>, seen: number) => Effect.Effect<ReadonlyArray<AuditedEntry>, E, R>
) {
  const waiting = new Set(unacked.map(placeOf))
  const found: Array<AuditedEntry> = []
  let seen = 0
  for (const shard of shards) {
    yield* eachHeld(shard, { from: "-", to: cut.id }, (page) => {
      seen += page.length
      const acked = page.map((entry) => audited(shard.stream, entry)).filter((entry) => !waiting.has(placeOf(entry)))
      return Effect.map(absent(acked, seen), (left) => {
        found.push(...left)
        return found.length < most
      })
    })
  }
  return found.slice(0, most)
})
