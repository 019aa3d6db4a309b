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

const tell = (shards: ReadonlyArray<Shard>, poll: string, ...numbers: ReadonlyArray<number>) =>
  answering(shards, (shard) =>
    Effect.map(
      command(() => shard.client.shut(shard.stream, shutHash(shard), poll, ...numbers)),
      (from) => [shard.stream, from] as const
    )
  )

/**
 * Has the votes in a poll refused that go by an earlier version of it than this, from a time on, in ms since 1970, for so many ms. Returns
 * from when on: a later time where votes may have come in since the one that was given, which all of them are before; and tells
 * `reached` of it. A shard that is away does not hear of it.
 */
export const shutPoll = (
  shards: ReadonlyArray<Shard>,
  reached: (stream: string, ms: number) => void,
  poll: string,
  version: number,
  from: number,
  ms: number = unheardFor
): Effect.Effect<number, OutOfService> =>
  Effect.map(tell(shards, poll, version, from, ms), (answers) => {
    for (const [stream, time] of answers) if (time !== from) reached(stream, time)
    return Math.max(...answers.map(([, time]) => time))
  })

/**
 * Has the votes in a poll taken that go by this version, which was the latest one at a time, in ms since 1970: what was told later than
 * that stays.
 */
export const unshutPoll = (
  shards: ReadonlyArray<Shard>,
  poll: string,
  version: number,
  at: number
): Effect.Effect<void, OutOfService> => Effect.asVoid(tell(shards, poll, version, at))
