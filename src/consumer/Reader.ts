import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { type Connection, command, isGroupGone } from "../stream/Redis.ts"
import { EntryParser } from "./bytes/EntryParser.ts"
import { tapNext } from "./bytes/Tap.ts"
import { batchOf, type Entry, type EntryBatch } from "./EntryBatch.ts"

/** Where a consumer reads on: after this id among its own pending entries, or what no consumer was given yet. */
export type Position = { readonly pendingAfter: string } | "new"

export interface ReaderOptions {
  readonly stream: string
  readonly group: string
  readonly consumer: string
  readonly batchSize: number
  readonly blockMs: number
}

/** How much longer than its BLOCK a read may take before its connection counts as lost, in ms. */
export const blockGrace = 5_000

/** XREADGROUP's answer. */
export type Reply = ReadonlyArray<
  readonly [stream: string, entries: ReadonlyArray<readonly [string, Array<string> | null]>]
>

export const entriesIn = (reply: Reply | null): ReadonlyArray<Entry> =>
  reply?.[0]?.[1].map(([id, fields]) => ({ id, fields })) ?? []

/** Makes the group, and the stream with it, where they are not there yet; it starts at the stream's beginning. */
export const ensureGroup = (client: Connection, stream: string, group: string): Effect.Effect<void, OutOfService> =>
  Effect.asVoid(command(() => client.ensureGroup(stream, group)))

/** Reads entries as one named consumer. */
export interface Reader {
  /** Reads up to a batch of entries; none where none came in time. What it gives is good until the next read. */
  read(position: Position): Effect.Effect<EntryBatch, OutOfService>
}

export const makeReader = (connection: Connection, options: ReaderOptions): Reader => {
  const { batchSize, blockMs, consumer, group, stream } = options
  const parser = new EntryParser()
  let leave = () => {}
  const send = async (position: Position): Promise<EntryBatch> => {
    // Of the connection before this one, something may still be on its way.
    leave()
    parser.begin()
    leave = tapNext(connection, parser)
    const from = position === "new" ? ">" : position.pendingAfter
    const place = ["COUNT", batchSize, "BLOCK", blockMs, "STREAMS", stream, from] as const
    const reply = (await connection.xreadgroup("GROUP", group, consumer, ...place)) as Reply | null
    return reply === null ? parser.batch : batchOf(entriesIn(reply))
  }
  const read = (position: Position) =>
    command(() => send(position)).pipe(
      Effect.timeoutOrElse({
        duration: blockMs + blockGrace,
        orElse: () => {
          // Redis always answers by then: the other side is gone without a word.
          leave()
          connection.disconnect(true)
          return Effect.succeed(batchOf([]))
        }
      }),
      Effect.catchIf(isGroupGone, () =>
        Effect.logError(
          `ALARM: Redis has lost stream ${stream} or its group ${group}, as when it is emptied or a replica takes over. ` +
            "Votes that were not counted yet are lost; the audit command tells how many. Going on with a new group"
        ).pipe(Effect.andThen(ensureGroup(connection, stream, group)), Effect.as(batchOf([])))
      )
    )
  return { read }
}
