import { Array } from "effect"
import type { Shard } from "./Shards.ts"

/** How many votes one command appends at most: for about a millisecond, it keeps Redis from all else. */
const most = 200

/** Appends votes to a shard, each with the fields of its entry and, where it has an idempotency key, the key's record. */
export interface Appender {
  /** Gives what `append.lua` returns of the vote. */
  append(fields: ReadonlyArray<string | number>, record?: string): Promise<string>
}

interface Waiting {
  readonly fields: ReadonlyArray<string | number>
  readonly record: string | undefined
  resolve(answer: string): void
  reject(cause: unknown): void
}

/**
 * All votes that come while others are under way go together after them: what an append costs, here and in Redis, is for
 * the most part its command. A key's record is kept for `ttl` ms.
 */
export const makeAppender = (shard: Shard, ttl: number): Appender => {
  let waiting: Array<Waiting> = []
  let busy = false

  const command = (votes: ReadonlyArray<Waiting>): Promise<ReadonlyArray<string | Error>> => {
    const records = votes.flatMap(({ record }) => record ?? [])
    const args: Array<string | number> = [1 + records.length, shard.stream, ...records, ttl]
    for (const { fields, record } of votes) {
      args.push(record === undefined ? 0 : 1, fields.length)
      for (const field of fields) args.push(field)
    }
    return shard.client.appendVotes(args)
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
    append: (fields, record) =>
      new Promise((resolve, reject) => {
        waiting.push({ fields, record, resolve, reject })
        if (busy) return
        busy = true
        // With all others that this turn of the event loop brings.
        setImmediate(sendAll)
      })
  }
}
