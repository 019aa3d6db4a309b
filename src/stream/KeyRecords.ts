import { createHash } from "node:crypto"
import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { command } from "./Redis.ts"
import type { ReplicatedWrites } from "./ReplicatedWrites.ts"
import type { Shard, Shards } from "./Shards.ts"

/** An appended vote. */
export interface Appended {
  readonly streamId: string
  readonly voteId: string
  readonly choice: string
}

/** A client's idempotency key, in the poll and, where the poll has voters, of the voter that it belongs to. */
export interface KeyUse {
  readonly poll: string
  readonly voter?: string | undefined
  readonly key: string
}

/** Returns the Redis key under which an idempotency key is remembered: by its digest, since clients choose their length. */
export const keyRecord = ({ keyPrefix }: Shard, { key, poll, voter }: KeyUse): string =>
  `${keyPrefix}:key:${poll}:${voter ?? ""}:${createHash("sha256").update(key).digest("base64url")}`

/** Returns the Redis key of what the records of a shard hold of memory. */
export const keyMemoryHash = ({ keyPrefix }: Shard): string => `${keyPrefix}:key-memory`

/** Reads a record as `append.lua` writes it: stream_id, vote_id and choice. */
export const fromRecord = (record: string): Appended => {
  const [streamId = "", voteId = "", choice = ""] = record.split(" ")
  return { streamId, voteId, choice }
}

/** Returns what a keyed vote's shard is chosen by: the voter, if any, so that a voter's votes stay in order; else the key. */
export const shardedBy = ({ key, voter }: KeyUse): string => voter ?? key

/** With `replicated`, what is found is at replicas by then, too. */
const findIn = (
  shard: Shard,
  use: KeyUse,
  replicated: ReplicatedWrites | undefined
): Effect.Effect<Appended | undefined, OutOfService> => {
  const key = keyRecord(shard, use)
  const find = async () => {
    const record = await shard.client.findKey(["1", key])
    return record === null || replicated === undefined
      ? record
      : replicated.run(shard.writer, "findKey", ["1", key, "again"])
  }
  return Effect.map(command(find), (record) => (record === null ? undefined : fromRecord(record)))
}

/** Finds the first vote with a key in the shards that it may be in from before the number of shards was changed. */
export const findInFormerShards = (
  shards: Shards["Service"],
  use: KeyUse,
  replicated: ReplicatedWrites | undefined
): Effect.Effect<Appended | undefined, OutOfService> =>
  Effect.flatMap(shards.formerOf(shardedBy(use)), (former) =>
    former.length === 0
      ? Effect.undefined
      : Effect.map(
          Effect.forEach(former, (shard) => findIn(shard, use, replicated)),
          (found) => found.find((record) => record !== undefined)
        )
  )

/** Finds the first vote with a key; undefined where the key was not used. */
export const findRecord = Effect.fnUntraced(function* (
  shards: Shards["Service"],
  use: KeyUse,
  replicated: ReplicatedWrites | undefined
) {
  const found = yield* findIn(shards.of(shardedBy(use)), use, replicated)
  return found ?? (yield* findInFormerShards(shards, use, replicated))
})
