import { Context, Effect, Layer } from "effect"
import type { OutOfService } from "../domain/Problems.ts"

/** A poll's log: the first one, or one after it, where that was given up. */
export interface LogName {
  readonly poll: string
  /** From 1. */
  readonly number: number
}

/** A vote as a log has it. */
export interface LoggedVote {
  readonly log: LogName
  /** The number of its leaf: the one that tells what the vote says, or, where there is none, the last about it. */
  readonly index: number
  /** What ties it to its idempotency key, as in the leaf; undefined without a key. */
  readonly keyProof?: string
  /** The key that its choice is hidden with, where it is. */
  readonly choiceKey?: Uint8Array
}

/** A tile or bundle as it is kept, with as many hashes or leaves as there are now. */
export interface StoredTile {
  readonly bytes: Uint8Array
  /** Whether the bytes are compressed, by gzip. */
  readonly gzipped: boolean
}

/** Reads the public logs, as the sequencer has written them. */
export class LogStore extends Context.Service<
  LogStore,
  {
    /** Returns the signed checkpoint of a log; undefined where there is no such log, or none is signed yet. */
    checkpoint(log: LogName): Effect.Effect<string | undefined, OutOfService>
    /** Returns the verifier keys that a log is signed with, one or two while one replaces the other; none without a log. */
    vkeys(log: LogName): Effect.Effect<ReadonlyArray<string>, OutOfService>
    /** Returns a tile, or a bundle of leaves (src/domain/log/Tile.ts); undefined where there is none. */
    tile(log: LogName, level: number | "entries", index: number): Effect.Effect<StoredTile | undefined, OutOfService>
    /** Returns where a vote is in its poll's log; undefined while it is in none. */
    find(voteId: string): Effect.Effect<LoggedVote | undefined, OutOfService>
  }
>()("tallykeep/ledger/LogStore") {
  /** Knows of no log. */
  static readonly layer = Layer.succeed(
    LogStore,
    LogStore.of({
      checkpoint: () => Effect.succeed(undefined),
      vkeys: () => Effect.succeed([]),
      tile: () => Effect.succeed(undefined),
      find: () => Effect.succeed(undefined)
    })
  )
}
