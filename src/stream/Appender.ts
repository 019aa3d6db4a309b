import { Array } from "effect"
import { firstVersion } from "../domain/Poll.ts"
import type { Vote } from "../domain/Vote.ts"
import { keyMemoryHash } from "./KeyRecords.ts"
import type { ReplicatedWrites } from "./ReplicatedWrites.ts"
import type { Shard } from "./Shards.ts"
import { shutHash } from "./ShutPolls.ts"
import { type Beside, optionalFields, requiredFields, valuesOf } from "./VoteEntry.ts"

/** The most votes that one command appends: such a command keeps Redis from all else for about a millisecond. */
const maxVotes = 200

/**
 * What may come with a vote: what its entry holds beside it, the Redis key that records its idempotency key, and the version of its poll
 * that it goes by, if not the first one.
 */
export interface Extras extends Beside {
  readonly record?: string | undefined
  readonly version?: number | undefined
}

/** Appends votes to a shard. */
export interface Appender {
  /** Returns what `append.lua` answers for the vote. */
  append(vote: Vote, extras?: Extras): Promise<string>
}

interface Waiting {
  readonly vote: Vote
  readonly extras: Extras
  resolve(answer: string): void
  reject(cause: unknown): void
}

const noExtras: Extras = {}

/**
 * Makes an appender. All votes that arrive while others are under way are sent together after those: most of what an append
 * costs, here and in Redis, is its command. New records of idempotency keys are kept for `ttl()` ms. With `replicated`, votes
 * and records count as appended once replicas have them.
 */
export const makeAppender = (shard: Shard, ttl: () => number, replicated?: ReplicatedWrites): Appender => {
  let waiting: Array<Waiting> = []
  let busy = false

  const command = (votes: ReadonlyArray<Waiting>): Promise<ReadonlyArray<string | Error>> => {
    const keys = [shard.stream, shutHash(shard)]
    const args = [String(ttl()), versionsOf(votes)]
    for (const { extras, vote } of votes) {
      const values = valuesOf(vote, extras)
      let beside = ""
      if (extras.record !== undefined) {
        keys.push(extras.record)
        beside = replicated === undefined ? "key" : "key again"
      }
      const at = args.push(beside) - 1
      for (const name of requiredFields) args.push(values[name])
      for (const name of optionalFields) {
        const value = values[name]
        if (value === undefined) continue
        args[at] += ` ${name}`
        args.push(value)
      }
    }
    if (keys.length > 2) keys.push(keyMemoryHash(shard))
    const all = [String(keys.length), ...keys, ...args]
    return replicated === undefined ? shard.client.appendVotes(all) : replicated.run(shard.writer, "appendVotes", all)
  }

  const send = async (votes: ReadonlyArray<Waiting>): Promise<void> => {
    try {
      const answers = await command(votes)
      for (const [index, { reject, resolve }] of votes.entries()) {
        const answer = answers[index]
        if (typeof answer === "string") resolve(answer)
        else reject(answer)
      }
    } catch (cause) {
      // The votes that wait would wait as long again, and their clients with them.
      const failed = [...votes, ...waiting]
      waiting = []
      for (const { reject } of failed) reject(cause)
    }
  }

  const sendAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const votes = waiting
      waiting = []
      // However many votes have come while Redis was slow, none waits for the ones behind it.
      await Promise.all(Array.chunksOf(votes, maxVotes).map(send))
    }
    busy = false
  }

  return {
    append: (vote, extras = noExtras) =>
      new Promise((resolve, reject) => {
        waiting.push({ vote, extras, resolve, reject })
        if (busy) return
        busy = true
        // Together with all other votes that this turn of the event loop brings.
        setImmediate(sendAll)
      })
  }
}

/** Returns the polls of votes that are not in their first version, each with the earliest one that some of its votes go by, as words. */
const versionsOf = (votes: ReadonlyArray<Waiting>): string => {
  const versions = new Map<string, number>()
  for (const { extras, vote } of votes) {
    const { version = firstVersion } = extras
    if (version < (versions.get(vote.poll) ?? Number.POSITIVE_INFINITY)) versions.set(vote.poll, version)
  }
  return [...versions].map(([poll, version]) => (version === firstVersion ? "" : `${poll} ${version} `)).join("")
}
