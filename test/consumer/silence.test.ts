import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Scope } from "effect"
import { layerHousekeeping } from "../../src/consumer/Housekeeping.ts"
import { layerPool } from "../../src/consumer/Pool.ts"
import { ensureGroup } from "../../src/consumer/Reader.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { takingOver } from "../../src/stream/StreamState.ts"
import { eventually, layerServers } from "../support/servers.ts"

/** Returns for how long each consumer has been silent, in ms, as Redis says. */
const silences = Effect.gen(function* () {
  const { client } = yield* Redis
  const { group, stream } = yield* StreamSettings
  const list = yield* Effect.promise(() => client.xinfo("CONSUMERS", stream, group) as Promise<Array<Array<unknown>>>)
  return new Map(list.map((about) => [String(about[1]), Number(about[about.indexOf("idle") + 1])]))
})

/** Returns how many consumers the state of the stream names, of those that were heard of in the last `silence` ms. */
const there = (silence: number) =>
  Effect.gen(function* () {
    const { client } = yield* Redis
    const { group, stream } = yield* StreamSettings
    const state = yield* Effect.promise(() => client.streamState(stream, group, silence, takingOver))
    return state[4]
  })

/** Waits until Redis hears of a consumer three times more: its silence grows by itself, and only then goes back. */
const heardAgain = (name: string) =>
  Effect.suspend(() => {
    let last = 0
    let heard = 0
    return eventually(
      Effect.map(silences, (all) => {
        const now = all.get(name) ?? assert.fail(`There is no ${name}`)
        if (now < last) heard += 1
        last = now
        assert.isAtLeast(heard, 3)
      })
    )
  })

const never = 3_600_000

describe("a consumer that no vote comes to", () => {
  it.live("is there while it reads, however long, and gone when it has stopped", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const { group, stream } = yield* StreamSettings
      const scope = yield* Scope.make()
      yield* Layer.buildWithScope(layerPool, scope)
      yield* Effect.forEach(["test-1", "test-2"], heardAgain, { concurrency: "unbounded" })
      assert.strictEqual(yield* there(never), 2)
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      yield* eventually(Effect.map(there(20), (consumers) => assert.strictEqual(consumers, 0)))
      const swept = yield* Effect.promise(() => client.sweepConsumers(stream, group, 20))
      assert.sameMembers([...swept], ["test-1", "test-2"])
    }).pipe(Effect.provide(layerServers({ blockMs: 50 })))
  )

  it.live("is not counted among those that read where it only takes over, and is not deleted", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const { group, stream } = yield* StreamSettings
      yield* ensureGroup(client, stream, group)
      yield* heardAgain(`test${takingOver}`).pipe(Effect.provide(layerHousekeeping))
      assert.strictEqual(yield* there(never), 0)
    }).pipe(Effect.provide(layerServers({ claimIdleMs: 100 })))
  )
})
