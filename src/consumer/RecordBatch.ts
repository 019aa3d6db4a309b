import { Effect, Result } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { latestAcceptance, parseEntryId } from "../domain/Vote.ts"
import type { Ledger, Refusal } from "../ledger/Ledger.ts"
import type { AcceptedVote, VoteColumns } from "../ledger/VoteColumns.ts"
import type { Connection } from "../stream/Redis.ts"
import { command } from "../stream/Redis.ts"
import { decodeVote, encodeVote, entryVoteId, fieldsByName } from "../stream/VoteEntry.ts"
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
  const dead: Array<readonly [Entry, string]> = []
  let lost = 0
  for (const entry of others) {
    if (entry.fields === null) {
      yield* Effect.logError(`Entry ${entry.id} was deleted from ${options.stream} before it was counted`)
      lost++
      continue
    }
    const vote = decodeEntry(entry.id, entry.fields)
    if (typeof vote === "string") dead.push([entry, vote])
    else decoded.push(vote)
  }
  const votes = decoded.length === 0 ? plain : plain.with(decoded)
  for (const { index, reason } of yield* countAll(ledger, votes, options.maxRetries)) {
    dead.push([entryOf(votes.at(index), others), reason])
  }
  let buried = 0
  for (const [entry, reason] of dead) {
    if (yield* buryEntry(ledger, client, options, entry, reason)) buried++
  }
  return { counted: ids.length - lost - dead.length, dead: buried, lost, polls: votes.byPoll() }
})

/** Returns the vote that an entry holds, or why it holds none. */
const decodeEntry = (id: string, fields: ReadonlyArray<string>): AcceptedVote | string => {
  const acceptance = parseEntryId(id)
  if (acceptance === undefined) return "the entry's id is out of range"
  return Result.match(decodeVote(fieldsByName(fields)), {
    onSuccess: (vote) => ({ ...vote, ...acceptance }),
    onFailure: (reason) => reason
  })
}

/** Returns the entry that a vote was read from; the fields of one that was a vote and nothing else follow from the vote. */
const entryOf = (vote: AcceptedVote, others: ReadonlyArray<Entry>): Entry => {
  const id = `${vote.ms}-${vote.seq}`
  return others.find((other) => other.id === id) ?? { id, fields: encodeVote(vote) }
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

const buryEntry = Effect.fnUntraced(function* (
  ledger: Ledger["Service"],
  client: Connection,
  { group, stream }: BatchOptions,
  entry: Entry,
  reason: string
) {
  // Read again, since fields that are no UTF-8 have lost bytes when they were decoded as text.
  const [raw] = yield* command(() => client.xrangeBuffer(stream, entry.id, entry.id))
  const [pending] = yield* command(() => client.xpending(stream, group, entry.id, entry.id, 1))
  const flat = entry.fields ?? []
  const fields = fieldsByName(flat)
  const voteId = entryVoteId(stream, entry.id, flat)
  const poll = storable(fields.poll)
  const buried = yield* ledger.bury({
    voteId,
    poll,
    option: storable(fields.option),
    ...(parseEntryId(entry.id) ?? latestAcceptance),
    reason: storable(reason) ?? "undecodable",
    stream,
    entryId: entry.id,
    deliveries: BigInt(deliveriesOf(pending)),
    fields: raw?.[1] ?? flat.map((field) => Buffer.from(field))
  })
  if (buried) {
    yield* Effect.annotateLogs(Effect.logWarning(`Entry ${entry.id} of ${stream} is a dead letter: ${reason}`), {
      vote_id: voteId,
      ...(poll === null ? {} : { poll })
    })
  }
  return buried
})

/** Returns how often an entry was delivered, from its row in XPENDING's answer: id, consumer, idle ms, deliveries. */
const deliveriesOf = (row: unknown): number => (Array.isArray(row) && typeof row[3] === "number" ? row[3] : 1)

/** Returns a text as the ledger's columns can hold it: without NUL, at most 200 characters. */
const storable = (text: string | undefined): string | null =>
  text === undefined ? null : text.replaceAll("\u0000", "\uFFFD").slice(0, 200)
