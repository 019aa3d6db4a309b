import { Effect } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { command } from "./Redis.ts"
import { answering, type Shard } from "./Shards.ts"

/** For how long votes by what a poll was are refused, in ms: what a process has not heard by then, it can't read either. */
const unheardFor = 3_600_000

/** Returns the Redis key of a shard's polls whose votes are refused (see shut.lua). */
export const shutHash = ({ keyPrefix }: Pick<Shard, "keyPrefix">): string => `${keyPrefix}:shut`

/** Whether an error says that a vote was not appended, since it goes by what its poll was. */
export const isShut = ({ cause }: OutOfService): boolean => cause instanceof Error && cause.message.startsWith("SHUT ")

/**
 * Has the votes in a poll refused that go by an earlier version of it than this, from a time on, in ms since 1970, for so many ms; or,
 * without a time, those by this version taken, since there is no later one. A shard that is away does not hear of it.
 */
export const shutPoll = (
  shards: ReadonlyArray<Shard>,
  poll: string,
  version: number,
  from?: number,
  ms: number = unheardFor
): Effect.Effect<void, OutOfService> => {
  const times = from === undefined ? [] : [from, ms]
  return Effect.asVoid(
    answering(shards, (shard) =>
      command(() => shard.client.shut(shard.stream, shutHash(shard), poll, version, ...times))
    )
  )
}
