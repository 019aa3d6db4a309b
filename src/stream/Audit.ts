import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { type Acceptance, latestAcceptance, parseEntryId } from "../domain/Vote.ts"
import type { AuditedEntry } from "../ledger/Audit.ts"
import { entryVoteId } from "./Batch.ts"
import type { Connection } from "./Redis.ts"
import { command } from "./Redis.ts"

/** An entry that the stream holds, and whether it is still to be acked. */
export interface HeldEntry extends AuditedEntry {
  readonly entryId: string
  readonly unacked: boolean
}

/** The stream's side of the books, up to a cut: its last entry when the reading began. */
export interface StreamState {
  /** Entries ever appended. */
  readonly added: number
  readonly cut: Acceptance
  readonly held: ReadonlyArray<HeldEntry>
}

const pageSize = 5_000

const compareIds = (a: Acceptance, b: Acceptance): number =>
  a.ms === b.ms ? Number(a.seq - b.seq) : a.ms < b.ms ? -1 : 1

const acceptanceOf = (id: string): Acceptance => parseEntryId(id) ?? latestAcceptance

const infoRecord = (info: ReadonlyArray<unknown>): Record<string, unknown> =>
  Object.fromEntries(info.flatMap((name, index) => (index % 2 === 0 ? [[String(name), info[index + 1]]] : [])))

/** Reads the stream, which votes may be appended to and counted from meanwhile. */
export const readStream = (
  client: Connection,
  stream: string,
  group: string
): Effect.Effect<StreamState, OutOfService> =>
  Effect.gen(function* () {
    if ((yield* command(() => client.exists(stream))) === 0) return { added: 0, cut: { ms: 0n, seq: 0n }, held: [] }
    // One answer, so the number and the last id belong together.
    const info = infoRecord(yield* command(() => client.xinfo("STREAM", stream) as Promise<ReadonlyArray<unknown>>))
    const last = String(info["last-generated-id"])
    const entries = yield* readEntriesUpTo(client, stream, last)
    // In this order: what was not yet given out here and is acked below would be taken for pending, never for lost.
    const groups = yield* command(
      () => client.xinfo("GROUPS", stream) as Promise<ReadonlyArray<ReadonlyArray<unknown>>>
    )
    const delivered = groups.map(infoRecord).find(({ name }) => name === group)?.["last-delivered-id"]
    const lastDelivered = acceptanceOf(typeof delivered === "string" ? delivered : "0-0")
    const pending = delivered === undefined ? new Set() : yield* readPending(client, stream, group, last)
    return {
      added: Number(info["entries-added"]),
      cut: acceptanceOf(last),
      held: entries.map(([entryId, fields]) => {
        const acceptance = acceptanceOf(entryId)
        return {
          ...acceptance,
          entryId,
          voteId: entryVoteId(stream, entryId, fields),
          unacked: pending.has(entryId) || compareIds(acceptance, lastDelivered) > 0
        }
      })
    }
  })

const readEntriesUpTo = Effect.fnUntraced(function* (client: Connection, stream: string, last: string) {
  const entries: Array<readonly [string, ReadonlyArray<string>]> = []
  for (let from = "-"; ; ) {
    const page = yield* command(() => client.xrange(stream, from, last, "COUNT", pageSize))
    for (const [id, fields] of page) entries.push([id, fields])
    const end = page.at(-1)
    if (end === undefined || page.length < pageSize) return entries
    from = `(${end[0]}`
  }
})

const readPending = Effect.fnUntraced(function* (client: Connection, stream: string, group: string, last: string) {
  const pending = new Set<string>()
  for (let from = "-"; ; ) {
    const page = yield* command(
      () => client.xpending(stream, group, from, last, pageSize) as Promise<ReadonlyArray<readonly [string]>>
    )
    for (const [id] of page) pending.add(id)
    const end = page.at(-1)
    if (end === undefined || page.length < pageSize) return pending
    from = `(${end[0]}`
  }
})
