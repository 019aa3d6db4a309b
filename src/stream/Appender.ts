import { Array } from "effect"
import type { Vote } from "../domain/Vote.ts"
import type { Shard } from "./Shards.ts"

/** How many votes one command appends at most: for about a millisecond, it keeps Redis from all else. */
const most = 200

/** What an entry can have beside a vote: the trace that it belongs to, and the record of its idempotency key. */
export interface Beside {
  readonly traceparent?: string | undefined
  readonly record?: string | undefined
}

/** Appends votes to a shard. */
export interface Appender {
  /** Gives what `append.lua` returns of the vote. */
  append(vote: Vote, beside?: Beside): Promise<string>
}

interface Waiting {
  readonly vote: Vote
  readonly beside: Beside
  resolve(answer: string): void
  reject(cause: unknown): void
}

const nothing: Beside = {}

/**
 * All votes that come while others are under way go together after them: what an append costs, here and in Redis, is for
 * the most part its command. A key's record is kept for `ttl` ms.
 */
export const makeAppender = (shard: Shard, ttl: number): Appender => {
  let waiting: Array<Waiting> = []
  let busy = false

  const command = (votes: ReadonlyArray<Waiting>): Promise<ReadonlyArray<string | Error>> => {
    const keys = [shard.stream]
    const args = [String(ttl)]
    for (const { beside, vote } of votes) {
      const { record, traceparent } = beside
      const { castAt, option, poll, voteId, voter } = vote
      const has = (record === undefined ? "" : "k") + (voter === undefined ? "" : "v")
      args.push(traceparent === undefined ? has : `${has}t`, voteId, poll, option, String(castAt))
      if (record !== undefined) keys.push(record)
      if (voter !== undefined) args.push(voter)
      if (traceparent !== undefined) args.push(traceparent)
    }
    return shard.client.appendVotes([String(keys.length), ...keys, ...args])
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
      // Those that wait would wait as long again, and their clients with them.
      const failed = [...votes, ...waiting]
      waiting = []
      for (const { reject } of failed) reject(cause)
    }
  }

  const sendAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const votes = waiting
      waiting = []
      // However many have come while Redis was slow, none waits for more than those before it.
      await Promise.all(Array.chunksOf(votes, most).map(send))
    }
    busy = false
  }

  return {
    append: (vote, beside = nothing) =>
      new Promise((resolve, reject) => {
        waiting.push({ vote, beside, resolve, reject })
        if (busy) return
        busy = true
        // With all others that this turn of the event loop brings.
        setImmediate(sendAll)
      })
  }
}
