import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { layerRedis } from "../../src/layers/RedisClient.ts"
import { command, Redis } from "../../src/stream/Redis.ts"
import { makeReplicatedWrites } from "../../src/stream/ReplicatedWrites.ts"
import { uniqueName } from "../support/names.ts"
import { eventually, quiet, redisUrl } from "../support/servers.ts"

/** Makes writes that so many replicas must have of a Redis that has none, and tells how often something was sent. */
const makeWrites = Effect.fnUntraced(function* (replicas: number) {
  const connection = (yield* Redis).writerOf("any")
  yield* Effect.orDie(eventually(command(() => connection.ping())))
  const writes = makeReplicatedWrites(replicas)
  const sent = { times: 0 }
  const counting = new Proxy(connection, {
    get: (target, name) => {
      if (name === "pipeline") sent.times++
      const found: unknown = Reflect.get(target, name)
      return typeof found === "function" ? found.bind(target) : found
    }
  })
  const write = Effect.tryPromise(() => writes.run(counting, "fence", ["1", uniqueName("fence"), "1000"]))
  // The script itself is sent only to a Redis that does not know it.
  yield* Effect.promise(() => connection.fence(["1", uniqueName("fence"), "1000"]))
  return { sent, write }
})

const servers = layerRedis(redisUrl(), { waits: true }).pipe(Layer.provide(quiet))

layer(servers, { excludeTestServices: true })("writes that replicas must have", (it) => {
  it.effect("go together that come while others are under way", () =>
    Effect.gen(function* () {
      const { sent, write } = yield* makeWrites(0)
      const later = Effect.andThen(Effect.yieldNow, write)
      assert.deepStrictEqual(
        yield* Effect.all([write, later, later, later], { concurrency: "unbounded" }),
        [1, 1, 1, 1]
      )
      assert.isAtMost(sent.times, 2)
    })
  )

  it.effect("fail with those before them, and do not wait for replicas as long again", () =>
    Effect.gen(function* () {
      const { sent, write } = yield* makeWrites(1)
      const failing = Effect.flip(write)
      const begun = Effect.repeat(Effect.yieldNow, { until: () => sent.times > 0 })
      const later = Effect.andThen(begun, failing)
      const failures = yield* Effect.all([failing, later, later], { concurrency: "unbounded" })
      for (const { cause } of failures) assert.match(String(cause), /0 of the 1 replicas/)
      assert.strictEqual(sent.times, 1)
      // Those that come later are tried.
      yield* failing
      assert.strictEqual(sent.times, 2)
    })
  )
})
