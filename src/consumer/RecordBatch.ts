import { Effect, Result } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { parseEntryId } from "../domain/Vote.ts"
import type { Ledger, Refusal } from "../ledger/Ledger.ts"
import type { AcceptedVote, VoteColumns } from "../ledger/VoteColumns.ts"
import type { Connection } from "../stream/Redis.ts"
import { decodeVote, encodeVote } from "../stream/VoteEntry.ts"
import { buryEntries, type HopelessEntry } from "./BuryEntries.ts"
import type { Entry, EntryBatch } from "./EntryBatch.ts"

export interface BatchOptions {
  readonly stream: string
  readonly group: string
  readonly maxRetries: number
}

/** What became of a batch's entries. */
export interface BatchOutcome {
  readonly counted: number
  readonly dead: number
  /** How many entries the stream no longer held. */
  readonly lost: number
  /** How many votes there were in each poll. */
  readonly polls: ReadonlyMap<string, number>
}

/** How long to wait before a vote that the ledger refused is tried again. */
const refusalPause = "50 millis"

/**
 * Brings each entry of a batch into the ledger, as counted, or as dead where it can't be counted. Once this succeeds, all
 * entries may be acked; after a failure (an outage) none may, and trying again is safe.
 */
export const recordBatch = Effect.fnUntraced(function* (
  ledger: Ledger["Service"],
  client: Connection,
  options: BatchOptions,
  { ids, others, votes: plain }: EntryBatch
): Effect.fn.Return<BatchOutcome, OutOfService> {
  const decoded: Array<AcceptedVote> = []
  const dead: Array<HopelessEntry> = []
  let lost = 0
  for (const entry of others) {
    if (entry.fields === null) {
      yield* Effect.logError(`Entry ${entry.id} was deleted from ${options.stream} before it was counted`)
      lost++
      continue
    }
    const vote = decodeEntry(options.stream, entry.id, entry.fields)
    if (typeof vote === "string") dead.push({ entry, reason: vote })
    else decoded.push(vote)
  }
  const votes = decoded.length === 0 ? plain : plain.with(decoded)
  const refusals = yield* countAll(ledger, votes, options.maxRetries)
  const byId = refusals.length === 0 ? undefined : new Map(others.map((entry) => [entry.id, entry]))
  for (const { index, reason } of refusals) dead.push({ entry: entryOf(votes.at(index), byId), reason })
  const buried = dead.length === 0 ? 0 : yield* buryEntries(ledger, client, options, dead)
  return { counted: ids.length - lost - dead.length, dead: buried, lost, polls: votes.byPoll() }
})

/** Returns the vote that an entry holds, or why it holds none. */
const decodeEntry = (stream: string, id: string, fields: ReadonlyArray<string>): AcceptedVote | string => {
  const acceptance = parseEntryId(id)
  if (acceptance === undefined) return "the entry's id is out of range"
  return Result.match(decodeVote(stream, id, fields), {
    onSuccess: (vote) => ({ ...vote, ...acceptance }),
    onFailure: (reason) => reason
  })
}

/** Returns the entry that a vote was read from; the fields of one that was a vote and nothing else follow from the vote. */
const entryOf = (vote: AcceptedVote, others: ReadonlyMap<string, Entry> | undefined): Entry => {
  const id = `${vote.ms}-${vote.seq}`
  return others?.get(id) ?? { id, fields: encodeVote(vote) }
}

/** Counts the votes; returns those that are at fault themselves, each with the reason. */
const countAll = Effect.fnUntraced(function* (
  ledger: Ledger["Service"],
  votes: VoteColumns,
  maxRetries: number
): Effect.fn.Return<ReadonlyArray<Refusal>, OutOfService> {
  let refused = votes.length === 0 ? [] : yield* countBisecting(ledger, votes)
  for (let failures = 1; failures < maxRetries && refused.length > 0; failures++) {
    yield* Effect.sleep(refusalPause)
    const indices = refused.map(({ index }) => index)
    const again = yield* countBisecting(ledger, votes.pick(indices))
    refused = again.map(({ index, reason }) => ({ index: indices[index] ?? 0, reason }))
  }
  return refused
})

/** Counts the votes; a batch that the database refuses as a whole is halved until the votes at fault stand alone. */
const countBisecting = (
  ledger: Ledger["Service"],
  votes: VoteColumns,
  offset = 0
): Effect.Effect<ReadonlyArray<Refusal>, OutOfService> =>
  ledger.count(votes).pipe(
    Effect.map(({ refusals }) => refusals.map(({ index, reason }) => ({ index: index + offset, reason }))),
    Effect.catchTag("BatchRefused", ({ reason }) => {
      if (votes.length === 1) return Effect.succeed([{ index: offset, reason }])
      const half = votes.length >> 1
      return Effect.zipWith(
        countBisecting(ledger, votes.slice(0, half), offset),
        countBisecting(ledger, votes.slice(half), offset + half),
        (left, right) => [...left, ...right]
      )
    })
  )
