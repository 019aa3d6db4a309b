import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { elapsed, untilBeat } from "../Elapsed.ts"
import { type Connection, command, isGroupGone, isWoken } from "../stream/Redis.ts"
import { makeFastRead, type PlainReadLog } from "./bytes/FastRead.ts"
import { batchOf, type Entry, type EntryBatch, withEntries } from "./EntryBatch.ts"

/** What a consumer reads next: its own pending entries after this id, or entries that no consumer was given yet. */
export type Position = { readonly pendingAfter: string } | "new"

export interface ReaderOptions {
  readonly stream: string
  readonly group: string
  readonly consumer: string
  readonly batchSize: number
  readonly blockMs: number
  /** Whether votes are read directly from the bytes of Redis's answers. */
  readonly fastRead: boolean
  /** Waits until replicas have what was read, where they must. */
  readonly fence: Effect.Effect<void, OutOfService>
}

/** How much longer than BLOCK_MS a read may take before its connection counts as lost, in ms. */
export const blockGrace = 5_000

/** XREADGROUP's answer. */
export type Reply = ReadonlyArray<
  readonly [stream: string, entries: ReadonlyArray<readonly [string, Array<string> | null]>]
>

/** Returns the entries of an answer that Redis's client has decoded. */
export const entriesIn = (reply: Reply | null): ReadonlyArray<Entry> =>
  reply?.[0]?.[1].map(([id, fields]) => ({ id, fields })) ?? []

/**
 * Makes the group, and the stream with it, where they don't exist yet; the group starts at the stream's beginning. Returns
 * whether the group is new.
 */
export const ensureGroup = (client: Connection, stream: string, group: string): Effect.Effect<boolean, OutOfService> =>
  Effect.map(
    command(() => client.ensureGroup(stream, group)),
    (made) => made === 1
  )

/** After any entry that a stream may hold, but no name for those that no consumer was given yet, as the very last id is. */
const pastAll = "18446744073709551615-18446744073709551614"

/**
 * Lets Redis know that a consumer is there, which `XINFO CONSUMERS` then shows. Before 7.2 Redis does not hear of one whose
 * reads bring it nothing; it does of one that asks for what it was given before, and has to look for it nowhere.
 */
export const showConsumer = (
  client: Connection,
  stream: string,
  group: string,
  consumer: string
): Effect.Effect<void, OutOfService> =>
  Effect.asVoid(command(() => client.xreadgroup("GROUP", group, consumer, "COUNT", 1, "STREAMS", stream, pastAll)))

/**
 * For how long a consumer that nothing comes to need not be shown again, in ms: after every other read, and before it counts as gone
 * (StreamState.ts), though a read comes in between.
 */
const showInterval = (blockMs: number): number => Math.min(1.5 * blockMs, 7_500)

/** Reads entries as one named consumer. */
export interface Reader {
  /**
   * Reads up to a batch of entries, or more where they are for many polls; none where none came in time. The batch is good until the
   * next read.
   */
  read(position: Position): Effect.Effect<EntryBatch, OutOfService>
}

/**
 * With fewer votes in each of its polls a batch is read on, up to so many reads: each poll that a batch has votes in costs the database
 * as much as several votes. They are reads of their own, since Redis answers nobody else while it hands out entries.
 */
const enoughPerPoll = 20
const mostReads = 4

/** Makes a reader that has `connection` for itself. `plainRead` is told of each read that did not take the fast path. */
export const makeReader = (connection: Connection, options: ReaderOptions, plainRead: PlainReadLog): Reader => {
  const { batchSize, blockMs, consumer, fastRead, fence, group, stream } = options
  const fast = fastRead ? makeFastRead(connection) : undefined

  /** Sends a read, which waits so many ms for entries; without `wait`, those that are there follow what was read. */
  const send = async (position: Position, wait?: number) => {
    const place = ["STREAMS", stream, position === "new" ? ">" : position.pendingAfter] as const
    const refused = fast?.expect(wait === undefined)
    const reply = await (wait === undefined
      ? connection.xreadgroup("GROUP", group, consumer, "COUNT", batchSize, ...place)
      : connection.xreadgroup("GROUP", group, consumer, "COUNT", batchSize, "BLOCK", wait, ...place))
    return { reply: reply as Reply | null, refused }
  }

  /** Returns the entries of an answer. It is null where the fast path has read it, and where there were none in time. */
  const batchIn = ({ refused, reply }: { readonly refused: string | undefined; readonly reply: Reply | null }) => {
    if (fast === undefined) return Effect.as(plainRead(undefined), batchOf(entriesIn(reply)))
    const batch = reply === null ? fast.batch : withEntries(fast.batch, entriesIn(reply))
    const why = refused ?? (reply === null ? undefined : "its answer was not in the form of RESP 3")
    return why === undefined ? Effect.succeed(batch) : Effect.as(plainRead(why), batch)
  }

  let shownAt = Number.NEGATIVE_INFINITY
  const show = Effect.flatMap(elapsed, (now) => {
    if (now - shownAt < showInterval(blockMs)) return Effect.void
    shownAt = now
    return showConsumer(connection, stream, group, consumer)
  })

  /** Reads once. Where nothing comes, it returns what was read before. */
  const readOnce = (position: Position, wait?: number, before: EntryBatch = batchOf([])) =>
    command(() => send(position, wait)).pipe(
      Effect.flatMap(batchIn),
      Effect.tap(({ ids }) => (ids.length === 0 ? show : fence)),
      Effect.timeoutOrElse({
        duration: blockMs + blockGrace,
        orElse: () => {
          // Redis always answers by then: the other side has gone without a word.
          fast?.leave()
          connection.disconnect(true)
          return Effect.succeed(before)
        }
      }),
      Effect.tap(({ ids }) =>
        Effect.sync(() => {
          given = ids.at(-1) ?? given
        })
      ),
      Effect.catchIf(isWoken, () => Effect.succeed(before)),
      Effect.catchIf(isGroupGone, () => Effect.as(beginAnew, before))
    )

  /** Reads a batch on while that makes its polls fewer for its votes, and all reads bring as much as they may. */
  const readOn = (batch: EntryBatch, reads = 1): Effect.Effect<EntryBatch, OutOfService> =>
    batch === fast?.batch &&
    batch.ids.length === reads * batchSize &&
    batch.votes.length < enoughPerPoll * batch.votes.pollCount &&
    reads < mostReads
      ? Effect.flatMap(readOnce("new", undefined, batch), (more) => readOn(more, reads + 1))
      : Effect.succeed(batch)

  const read = (position: Position) =>
    // Reads that nothing comes to end together.
    Effect.flatMap(untilBeat(blockMs), (wait) => readOnce(position, wait)).pipe(
      Effect.flatMap((batch) => (position === "new" ? readOn(batch) : Effect.succeed(batch)))
    )

  /** The last entry that was read, if any. */
  let given: string | undefined
  /** A stream that has an entry from before is not another one, and holds all that was not acked. */
  const isWhole = Effect.suspend(() =>
    given === undefined
      ? Effect.succeed(false)
      : Effect.map(
          command(() => connection.xrange(stream, "-", `${given}`, "COUNT", 1)),
          ([entry]) => entry !== undefined
        )
  )
  const beginAnew = Effect.gen(function* () {
    const whole = yield* isWhole
    const isNew = yield* ensureGroup(connection, stream, group)
    if (!isNew) return
    yield* whole
      ? Effect.logWarning(`The group ${group} of stream ${stream} is gone. No vote is lost: all are read again`)
      : Effect.logError(
          `ALARM: Redis has lost stream ${stream} or its group ${group}, as when it is emptied or a replica takes over. ` +
            "Votes that were not counted yet are lost; the audit command tells how many. Going on with a new group"
        )
  })
  return { read }
}
