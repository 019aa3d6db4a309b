import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Lifecycle } from "../../../src/http/Lifecycle.ts"
import { Probes } from "../../../src/http/operations/Probes.ts"
import { json, layerApi, layerApiIn, request } from "../../support/api.ts"
import { layerMocks, newWorld, World } from "../../support/world.ts"

layer(layerApi(), { excludeTestServices: true })("GET /health", (it) => {
  it.effect("says that the process lives, whatever it is connected to", () =>
    Effect.gen(function* () {
      const world = yield* World
      world.redis = "away"
      world.database = "away"
      const answer = yield* request("GET", "/health")
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(answer.body, '{"status":"healthy"}')
      assert.deepInclude(answer.headers, { "content-type": "application/json", "cache-control": "no-store" })
    })
  )
})

describe("GET /ready", () => {
  const connected = { redis: "connected", database: "connected", durability: "fsync" }

  it.live("says that all is well, and how votes are kept", () =>
    Effect.gen(function* () {
      const answer = yield* request("GET", "/ready")
      assert.strictEqual(answer.status, 200)
      assert.deepStrictEqual(json(answer), { status: "ready", ...connected })
      assert.deepInclude(answer.headers, { "content-type": "application/json", "cache-control": "no-store" })
      assert.isUndefined(answer.headers["retry-after"])
    }).pipe(Effect.provide(layerApi()))
  )

  it.live("does not say how votes are kept where Redis does not tell", () =>
    Effect.gen(function* () {
      const world = yield* World
      world.keeping = false
      const answer = yield* request("GET", "/ready")
      assert.strictEqual(answer.status, 200)
      assert.deepStrictEqual(json(answer), { status: "ready", redis: "connected", database: "connected" })
    }).pipe(Effect.provide(layerApi()))
  )

  it.live.each([
    { away: ["redis"], says: { status: "not ready", redis: "disconnected", database: "connected" } },
    { away: ["redis", "database"], says: { status: "not ready", redis: "disconnected", database: "unavailable" } }
  ] as const)("names what is missing: $away", ({ away, says }) =>
    Effect.gen(function* () {
      const world = yield* World
      for (const part of away) world[part] = "away"
      const answer = yield* request("GET", "/ready")
      assert.strictEqual(answer.status, 503)
      assert.deepStrictEqual(json(answer), says)
      assert.deepInclude(answer.headers, { "retry-after": "1", "cache-control": "no-store" })
    }).pipe(Effect.provide(layerApi()))
  )

  it.live("is ready, if degraded, while the database is away, since votes are taken without it", () =>
    Effect.gen(function* () {
      const world = yield* World
      assert.deepInclude(json(yield* request("GET", "/ready")), { status: "ready" })
      world.database = "away"
      yield* Effect.sleep("600 millis")
      const answer = yield* request("GET", "/ready")
      assert.strictEqual(answer.status, 200)
      assert.deepStrictEqual(json(answer), { ...connected, status: "degraded", database: "unavailable" })
      assert.isUndefined(answer.headers["retry-after"])
    }).pipe(Effect.provide(layerApi()))
  )

  it.live("is not ready before both were there once, whether or not anyone has asked meanwhile", () =>
    Effect.gen(function* () {
      const world = yield* World
      world.database = "away"
      yield* Effect.gen(function* () {
        const first = yield* request("GET", "/ready")
        assert.strictEqual(first.status, 503)
        assert.deepStrictEqual(json(first), { ...connected, status: "not ready", database: "unavailable" })
        world.database = "up"
        yield* Effect.sleep("1 second")
        world.database = "away"
        yield* Effect.sleep("600 millis")
        assert.strictEqual((yield* request("GET", "/ready")).status, 200)
      }).pipe(Effect.provide(layerApiIn(world)))
    }).pipe(Effect.provide(Layer.sync(World, newWorld)))
  )

  it.live.each([
    "OOM command not allowed when used memory > 'maxmemory'.",
    "NOREPLICAS Not enough good replicas to write.",
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    "READONLY You can't write against a read only replica.",
    "CLUSTERDOWN The cluster is down",
    "NOPERM this user has no permissions to run the 'xadd' command"
  ])("says no, and why, while Redis answers and takes no votes: %s", (refusal) =>
    Effect.gen(function* () {
      const world = yield* World
      world.refusal = refusal
      const answer = yield* request("GET", "/ready")
      assert.strictEqual(answer.status, 503)
      assert.deepStrictEqual(json(answer), {
        status: "not ready",
        redis: "refusing",
        database: "connected",
        reason: refusal
      })
    }).pipe(Effect.provide(layerApi()))
  )

  it.live("of a consumer says no while the database is away, since nothing is counted", () =>
    Effect.gen(function* () {
      const world = yield* World
      const lifecycle = yield* Lifecycle
      lifecycle.phase = "running"
      yield* Effect.gen(function* () {
        const { ready } = yield* Probes
        assert.deepInclude(yield* ready, { status: "ready" })
        world.database = "away"
        yield* Effect.sleep("600 millis")
        assert.deepInclude(yield* ready, { status: "not ready", database: "unavailable" })
      }).pipe(Effect.provide(Probes.layerOfConsumer), Effect.provide(layerMocks))
    }).pipe(Effect.provide(Layer.mergeAll(Layer.sync(World, newWorld), Lifecycle.layer)))
  )

  it.live("is ready, if degraded, while some shards take no votes", () =>
    Effect.gen(function* () {
      const world = yield* World
      world.shardsAway = ["votes:{1}"]
      const answer = yield* request("GET", "/ready")
      assert.strictEqual(answer.status, 200)
      assert.deepStrictEqual(json(answer), { ...connected, status: "ready", redis: "degraded" })
    }).pipe(Effect.provide(layerApi()))
  )

  it.live("says no from the moment the process is stopping, though all is connected", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* request("GET", "/ready")).status, 200)
      const lifecycle = yield* Lifecycle
      lifecycle.phase = "stopping"
      const answer = yield* request("GET", "/ready")
      assert.strictEqual(answer.status, 503)
      assert.deepStrictEqual(json(answer), { status: "shutting down", ...connected })
      assert.strictEqual((yield* request("GET", "/health")).status, 200)
    }).pipe(Effect.provide(layerApi()))
  )
})
