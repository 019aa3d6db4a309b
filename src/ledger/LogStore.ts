import { promisify } from "node:util"
import { gunzip } from "node:zlib"
import { PgTypes } from "@effect/sql-pg"
import { Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { choiceKey, leafId } from "../domain/log/Leaf.ts"
import { nodeSha256 as sha256 } from "../domain/log/NodeSha256.ts"
import { parseLeaf } from "../domain/log/ParseLeaf.ts"
import { decodeBundle, tileOver, tileWidth } from "../domain/log/Tile.ts"
import type { OutOfService } from "../domain/Problems.ts"
import { outOfService } from "./Bounded.ts"
import { bundleLevel } from "./LogRows.ts"
import { int8 } from "./Parameters.ts"

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
  static readonly layer = Layer.effect(
    LogStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const head = ({ number, poll }: LogName) =>
        sql<{ checkpoint: string | null; vkeys: ReadonlyArray<string> }>`
          select checkpoint, vkeys from log where poll = ${poll} and number = ${PgTypes.int4(number)}`.pipe(
          outOfService(timeout),
          Effect.map(([row]) => row)
        )

      const readTile = ({ number, poll }: LogName, level: number, index: number) =>
        sql<{ data: Uint8Array }>`
          select data from log_tile
          where poll = ${poll} and number = ${PgTypes.int4(number)} and level = ${PgTypes.int4(level)}
            and place = ${int8(index)}`.pipe(
          outOfService(timeout),
          Effect.map(([row]) => row?.data)
        )

      const tile = Effect.fn("LogStore.tile")(function* (log: LogName, level: number | "entries", index: number) {
        const bytes = yield* readTile(log, level === "entries" || level === 0 ? bundleLevel : level, index)
        if (bytes === undefined) return undefined
        if (level === 0)
          return { bytes: tileOver(sha256, yield* Effect.promise(() => unpacked(bytes))), gzipped: false }
        return { bytes, gzipped: level === "entries" && isGzipped(bytes) }
      })

      const find = Effect.fn("LogStore.find")(function* (voteId: string) {
        const id = PgTypes.uuid(voteId)
        const [log] = yield* sql<FoundLog>`
          select l.poll, l.number, l.secret, l.seed
          from vote_event v join log l on l.poll = v.poll
          where v.vote_id = ${id} order by l.number desc limit 1`.pipe(outOfService(timeout))
        if (log === undefined) return undefined
        // The level is no parameter, so that the bundles' own index serves.
        const bundles = yield* sql<{ place: bigint; data: Uint8Array }>`
          select place, data from log_tile
          where poll = ${log.poll} and number = ${PgTypes.int4(log.number)} and level = -1
            and vote_id_ms(${id}) between from_ms and to_ms
          order by place`.pipe(outOfService(timeout))
        const named = leafId(sha256, log.secret, voteId)
        for (const { data, place } of bundles) {
          const found = yield* Effect.promise(() => findLeaf(data, named))
          if (found === undefined) continue
          return {
            log: { poll: log.poll, number: log.number },
            index: Number(place) * tileWidth + found.at,
            ...(found.leaf.n === undefined ? {} : { keyProof: found.leaf.n }),
            ...(found.leaf.c === undefined || log.seed === null
              ? {}
              : { choiceKey: choiceKey(sha256, log.seed, named) })
          }
        }
        return undefined
      })

      return LogStore.of({
        checkpoint: (log) => Effect.map(head(log), (row) => row?.checkpoint ?? undefined),
        vkeys: (log) => Effect.map(head(log), (row) => row?.vkeys ?? []),
        tile,
        find
      })
    })
  )
}

const timeout = "5 seconds"

interface FoundLog extends LogName {
  readonly secret: Uint8Array
  readonly seed: Uint8Array | null
}

/** Whether a bundle is compressed. One that is not has a `{` for its third byte, after the length of its first leaf. */
const isGzipped = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 0x08

const unzip = promisify(gunzip)

const unpacked = async (bundle: Uint8Array): Promise<Uint8Array> => (isGzipped(bundle) ? unzip(bundle) : bundle)

/** Finds the leaf in a bundle that says what a vote is. */
const findLeaf = async (data: Uint8Array, id: string) => {
  for (const [at, bytes] of (decodeBundle(await unpacked(data)) ?? []).entries()) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
    if (!text.startsWith(`{"v":1,"id":"${id}",`)) continue
    const leaf = parseLeaf(text)
    if (leaf !== undefined && !("t" in leaf) && (leaf.o ?? leaf.c) !== undefined) return { at, leaf }
  }
  return undefined
}
