import { Effect } from "effect"
import type { Announcements } from "../stream/Announcements.ts"
import { command } from "../stream/Redis.ts"
import type { Shard } from "../stream/Shards.ts"

export interface GiveBackOptions {
  readonly group: string
  readonly consumer: string
  readonly claimIdleMs: number
}

/**
 * Gives back what a consumer holds that can't count it now: whoever looks next may take it over, and not only after CLAIM_IDLE_MS,
 * which goes on to hold where Redis can't be asked. Returns how many entries that are.
 */
export const giveBack = ({ client, stream }: Shard, { claimIdleMs, consumer, group }: GiveBackOptions) =>
  Effect.orElseSucceed(
    command(() => client.giveBack(stream, group, consumer, claimIdleMs)),
    () => 0
  )

/** Does the same for a consumer that stops, and has the others look. */
export const leave = (
  shard: Shard,
  options: GiveBackOptions,
  { announce }: Announcements["Service"]
): Effect.Effect<void> =>
  Effect.flatMap(giveBack(shard, options), (entries) => (entries === 0 ? Effect.void : announce("left", shard.stream)))
