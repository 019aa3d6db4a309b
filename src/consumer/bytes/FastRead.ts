import { Effect } from "effect"
import type { Connection } from "../../stream/Redis.ts"
import type { EntryBatch } from "../EntryBatch.ts"
import { EntryParser } from "./EntryParser.ts"
import { tapNext } from "./Tap.ts"

/**
 * The fast path of reading, and the only way into this folder: takes votes directly from the bytes that Redis sends, without
 * the strings and arrays that its client makes of them. Whatever it leaves to the client is read as ever (`batchOf`).
 */
export interface FastRead {
  /**
   * Prepares to read the answer to the command that is sent next, whose entries follow those of the last one where these are
   * `kept`. Returns why the client has to read it, if it has to.
   */
  expect(kept?: boolean): string | undefined
  /** Leaves to the client what has not come yet. */
  leave(): void
  /** What was read of the answer, of which the client gets null; good until the next `expect` that does not keep it. */
  readonly batch: EntryBatch
}

export const makeFastRead = (connection: Connection): FastRead => {
  const parser = new EntryParser()
  let leave = () => {}
  return {
    expect: (kept) => {
      // A part of the last answer may still be on its way on the connection before this one.
      leave()
      parser.begin(kept)
      const tapped = tapNext(connection, parser)
      leave = tapped.leave
      return tapped.refused
    },
    leave: () => leave(),
    batch: parser.batch
  }
}

/** Told of each read that did not take the fast path, and why, where that is not by choice. */
export type PlainReadLog = (why: string | undefined) => Effect.Effect<void>

/** Counts the reads that did not take the fast path, and logs the first of them that could not. */
export const makePlainReadLog = (count: () => void): PlainReadLog => {
  let logged = false
  return (why) =>
    Effect.suspend(() => {
      count()
      if (logged || why === undefined) return Effect.void
      logged = true
      return Effect.logWarning(
        `Redis's client has decoded votes itself, which takes more CPU time: ${why}. ` +
          "Further such reads are counted in tallykeep_plain_reads_total, and not logged"
      )
    })
}
