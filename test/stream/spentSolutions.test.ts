import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { layerRedis } from "../../src/layers/RedisClient.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { uniqueName } from "../support/names.ts"
import { eventually, quiet, redisUrl, testSettings } from "../support/servers.ts"

/** A process of its own, as far as Redis can tell, once it is connected. */
const startProcess = Effect.fnUntraced(function* (stream: string, shards: number) {
  const process = yield* Layer.build(
    VoteStream.layer.pipe(
      Layer.provideMerge(layerRedis(redisUrl())),
      Layer.provide(Layer.succeed(StreamSettings, testSettings({ stream, shards }))),
      Layer.provide(quiet)
    )
  )
  yield* eventually(Context.get(process, VoteStream).states)
  return process
})

describe("a solution of a challenge", () => {
  it.live("is spent for one vote, among processes with other numbers of shards too, and is forgotten in time", () =>
    Effect.gen(function* () {
      const stream = uniqueName("votes")
      const processes = yield* Effect.forEach([1, 4, 7], (shards) => startProcess(stream, shards))
      for (const solution of Array.from({ length: 20 }, () => uniqueName("solution"))) {
        // Four votes, each sent three times, once at each process.
        const sent = processes.flatMap((process) =>
          [0, 1, 2, 3].map((vote) => ({ streams: Context.get(process, VoteStream), vote: `vote ${vote}` }))
        )
        const spent = yield* Effect.forEach(
          sent,
          ({ streams, vote }) =>
            Effect.map(streams.spend({ solution, vote, remember: 30_000 }), (free) => ({ free, vote })),
          { concurrency: "unbounded" }
        )
        const votes = spent.filter(({ free }) => free).map(({ vote }) => vote)
        assert.lengthOf(votes, 3, "each copy of one vote")
        assert.lengthOf([...new Set(votes)], 1)
      }
      const { client } = Context.get(processes[0] ?? assert.fail(), Redis)
      const records = yield* Effect.promise(() => client.keys(`${stream}:spent:*`))
      assert.lengthOf(records, 20)
      for (const record of records) {
        const left = yield* Effect.promise(() => client.pttl(record))
        assert.isAbove(left, 0)
        assert.isAtMost(left, 30_000)
      }
    }).pipe(Effect.scoped)
  )
})
