import { Effect, Schedule } from "effect"
import { Redis } from "ioredis"
import { startRedis } from "../src/embedded/RedisServer.ts"
import { dataFolder } from "../test/support/dataFolder.ts"
import { type Bench, interleave, ratioRow, sideRows, voteRows } from "./harness.ts"
import { api, connections, type Figures, makeSide, show } from "./support/taking.ts"

/** Starts a Redis that follows the one at `url`, until the scope closes. */
const startReplica = Effect.fnUntraced(function* (url: string) {
  const { hostname, password, port } = new URL(url)
  const more = [`replicaof ${hostname} ${port || 6379}`, ...(password === "" ? [] : [`masterauth ${password}`])]
  yield* startRedis({ dataDir: yield* dataFolder, more })
  const redis = yield* Effect.acquireRelease(
    Effect.sync(() => new Redis(url)),
    (client) => Effect.sync(() => client.disconnect())
  )
  yield* Effect.promise(() => redis.info("replication")).pipe(
    Effect.filterOrFail((info) => /^slave\d+:.*state=online/m.test(info)),
    Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 200 })
  )
})

export const replicas: Bench = {
  name: "replicas",
  about: `votes taken by one process over ${connections} connections, with and without waiting for a replica of Redis`,
  run: (context) =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          yield* startReplica(context.env.REDIS_URL)
          return yield* Effect.promise(async () => {
            const made = [
              makeSide(context, "APPEND_REPLICAS=0", api, { APPEND_REPLICAS: "0" }),
              makeSide(context, "APPEND_REPLICAS=1", api, { APPEND_REPLICAS: "1" })
            ]
            const sides = made.map(({ side }) => side)
            const taken = await interleave(context, sides, show)
            for (const { close } of made) await close()
            const of = (pick: (figures: Figures) => number) => taken.map((figures) => figures.map(pick))
            const [none = [], one = []] = of(({ rate }) => rate)
            const [noneCpu = [], oneCpu = []] = of(({ cpu }) => cpu.own ?? Number.NaN)
            const [noneRedis = [], oneRedis = []] = of(({ cpu }) => cpu.Redis ?? Number.NaN)
            const [noneP99 = [], oneP99 = []] = of(({ p99 }) => p99)
            return [
              ...voteRows(sides, taken),
              ...sideRows(
                sides.map((side) => ({ ...side, name: `${side.name}: answered p99` })),
                taken,
                "ms",
                ({ p99 }) => p99
              ),
              ratioRow("1 / 0: votes/s", one, none),
              ratioRow("1 / 0: CPU of the api", oneCpu, noneCpu),
              ratioRow("1 / 0: CPU of Redis", oneRedis, noneRedis),
              ratioRow("1 / 0: answered p99", oneP99, noneP99)
            ]
          })
        })
      )
    )
}
