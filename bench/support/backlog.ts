import { randomUUID } from "node:crypto"
import { Redis } from "ioredis"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { type Variant, variants, voterOf } from "./variants.ts"

const atOnce = 5_000

/** A stream full of votes, which each run gets a copy of. */
export interface Backlog {
  copyTo(stream: string): Promise<void>
  close(): Promise<void>
}

/** Appends votes as the API does, many at once; in the default poll unless said otherwise, or in the poll that each is for. */
export const makeBacklog = async (
  url: string,
  votes: number,
  variant: Variant = variants[0],
  pollOf: (n: number) => string = () => variant.slug
): Promise<Backlog> => {
  const redis = new Redis(url)
  const stream = `bench_backlog_${randomUUID()}`
  for (let appended = 0; appended < votes; ) {
    const pipeline = redis.pipeline()
    for (const end = Math.min(votes, appended + atOnce); appended < end; appended++) {
      const voter = voterOf(variant, appended)
      const fields = [
        "v",
        "1",
        "vote_id",
        makeVoteId(),
        "poll",
        pollOf(appended),
        "option",
        variant.choice[0](appended)
      ]
      pipeline.xadd(stream, "*", ...fields, "cast_at", Date.now(), ...(voter === undefined ? [] : ["voter", voter]))
    }
    await pipeline.exec()
  }
  return {
    copyTo: async (copy) => {
      await redis.copy(stream, copy)
    },
    close: async () => {
      await redis.unlink(stream)
      redis.disconnect()
    }
  }
}
