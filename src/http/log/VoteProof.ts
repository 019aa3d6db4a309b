import { gunzipSync } from "node:zlib"
import { Effect } from "effect"
import { checkpointIn } from "../../domain/log/Checkpoint.ts"
import { nodeSha256 } from "../../domain/log/NodeSha256.ts"
import { writeProof } from "../../domain/log/Proof.ts"
import { decodeBundle, subtreesIn, tilesNeeded, tileWidth } from "../../domain/log/Tile.ts"
import { inclusionProof, type Subtree } from "../../domain/log/Tree.ts"
import type { LogName, LogStore } from "../../ledger/LogStore.ts"
import { keyProof } from "../../stream/VoteEntry.ts"

/** A proof, and what opens the vote's choice where it is hidden. */
export interface VoteProof {
  readonly text: string
  readonly choiceKey: Uint8Array | undefined
}

/**
 * Makes the proof that a vote is in its poll's log: `waiting` while it is in none that is signed, and `unknown` to who does not know
 * the idempotency key that it came with, so that an id that stands in some file reveals nothing.
 */
export const makeVoteProofs = (store: LogStore["Service"]) => {
  const bytesOf = Effect.fnUntraced(function* (log: LogName, level: number | "entries", index: number) {
    const stored = yield* store.tile(log, level, index)
    if (stored === undefined) return yield* Effect.die(new Error(`log ${log.poll} lacks tile ${level}/${index}`))
    return stored.gzipped ? gunzipSync(stored.bytes) : stored.bytes
  })

  return Effect.fnUntraced(function* (voteId: string, key: string | undefined) {
    const found = yield* store.find(voteId)
    if (found === undefined) return "waiting"
    if (found.keyProof !== undefined && (key === undefined || keyProof(voteId, key) !== found.keyProof))
      return "unknown"
    const { choiceKey, index, log } = found
    const checkpoint = yield* store.checkpoint(log)
    const size = checkpointIn(checkpoint ?? "")?.size ?? 0
    if (checkpoint === undefined || index >= size) return "waiting"
    const bundle = yield* bytesOf(log, "entries", Math.floor(index / tileWidth))
    const leaf = decodeBundle(bundle)?.[index % tileWidth]
    if (leaf === undefined) return yield* Effect.die(new Error(`log ${log.poll} lacks leaf ${index}`))
    const prove = (subtree: Subtree) => inclusionProof(nodeSha256, subtree, index, size)
    const tiles = new Map<string, Uint8Array>()
    for (const { index: at, level } of tilesNeeded(size, prove)) {
      tiles.set(`${level}/${at}`, yield* bytesOf(log, level, at))
    }
    const subtree = subtreesIn(nodeSha256, (level, at) => tiles.get(`${level}/${at}`) ?? new Uint8Array())
    const proof: VoteProof = { text: writeProof({ leaf, index, hashes: prove(subtree), checkpoint }), choiceKey }
    return proof
  })
}
