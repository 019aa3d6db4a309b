import { Effect } from "effect"
import { ensureGroup } from "../../src/consumer/Reader.ts"
import { makeVoteId, type Vote } from "../../src/domain/Vote.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { readerOf } from "./readers.ts"
import { eventually } from "./servers.ts"

/** Some vote. */
export const cast = (more: Partial<Vote> = {}) => ({
  voteId: makeVoteId(),
  poll: "cats-or-dogs",
  choice: "cats",
  castAt: Date.now(),
  ...more
})

/** Appends `count` votes and gives them to `consumer`, which does nothing with them. */
export const giveTo = (consumer: string, count: number, more: Partial<Vote> = {}) =>
  Effect.gen(function* () {
    const stream = yield* VoteStream
    const redis = yield* Redis
    const settings = yield* StreamSettings
    yield* ensureGroup(redis.client, settings.stream, settings.group)
    yield* Effect.forEach(Array.from({ length: count }), () => stream.append(cast(more)), { concurrency: 50 })
    return yield* Effect.scoped(
      Effect.gen(function* () {
        const reader = yield* readerOf(yield* redis.dedicated(consumer), { consumer, batchSize: count })
        return yield* eventually(reader.read("new"))
      })
    )
  })
