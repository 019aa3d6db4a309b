import { createHash } from "node:crypto"
import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { command } from "./Redis.ts"
import type { Shard, Shards } from "./Shards.ts"

/** An appended vote. */
export interface Appended {
  readonly streamId: string
  readonly voteId: string
  readonly option: string
}

/** Whose key it is: of the poll, and of the voter where the poll has voters. */
export interface KeyUse {
  readonly poll: string
  readonly voter?: string | undefined
  readonly key: string
}

/** Where a key is remembered; by its digest, since a client may choose it as long as it likes. */
export const keyRecord = ({ keys }: Shard, { key, poll, voter }: KeyUse): string =>
  `${keys}:key:${poll}:${voter ?? ""}:${createHash("sha256").update(key).digest("base64url")}`

/** A record as the script keeps it: stream_id, vote_id and option. */
export const fromRecord = (record: string): Appended => {
  const [streamId = "", voteId = "", option = ""] = record.split(" ")
  return { streamId, voteId, option }
}

/** A vote with a key is in the shard of its voter where it has one, since a voter's votes are in one order. */
export const shardedBy = ({ key, voter }: KeyUse): string => voter ?? key

const findIn = (shard: Shard, use: KeyUse): Effect.Effect<Appended | undefined, OutOfService> =>
  Effect.map(
    command(() => shard.client.get(keyRecord(shard, use))),
    (record) => (record === null ? undefined : fromRecord(record))
  )

/** What a key's first vote was given before the number of shards was changed. */
export const findBefore = (shards: Shards["Service"], use: KeyUse): Effect.Effect<Appended | undefined, OutOfService> =>
  Effect.flatMap(shards.before(shardedBy(use)), (places) =>
    places.length === 0
      ? Effect.undefined
      : Effect.map(
          Effect.forEach(places, (shard) => findIn(shard, use)),
          (found) => found.find((record) => record !== undefined)
        )
  )

/** What the first vote with a key was given; undefined where the key was not used. */
export const findRecord = Effect.fnUntraced(function* (shards: Shards["Service"], use: KeyUse) {
  const found = yield* findIn(shards.of(shardedBy(use)), use)
  return found ?? (yield* findBefore(shards, use))
})
