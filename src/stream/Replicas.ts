import { Unsuitable } from "./Redis.ts"
import type { Shard } from "./Shards.ts"

/** A replica says once a second how far it is. One that has been silent for longer than this, in s, is as good as away. */
const longestSilence = 5

/** Counts the replicas that follow a Redis, by what its INFO says of replication. */
const followers = (info: string): number =>
  [...info.matchAll(/^slave\d+:.*\bstate=online\b.*\blag=(\d+)/gm)].filter(([, lag]) => Number(lag) <= longestSilence)
    .length

/** Fails where a shard's votes can't come to `replicas` replicas, without writing any. */
export const expectReplicas = async ({ client, writer }: Shard, replicas: number): Promise<void> => {
  const count = followers(await client.info("replication"))
  if (count < replicas) {
    throw new Unsuitable(`it has ${count} of the ${replicas} replicas that APPEND_REPLICAS asks for`)
  }
  // Asked for anything, it would answer after the replicas only.
  if (writer.status !== "ready") throw new Error("The connection for votes that wait for replicas is not there")
}
