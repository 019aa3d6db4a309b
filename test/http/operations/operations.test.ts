import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Lifecycle } from "../../../src/http/Lifecycle.ts"
import { json, layerApi, request } from "../../support/api.ts"
import { World } from "../../support/world.ts"

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
    { away: ["database"], says: { ...connected, status: "not ready", database: "disconnected" } },
    { away: ["redis", "database"], says: { status: "not ready", redis: "disconnected", database: "disconnected" } }
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
