import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { ConsumerSettings } from "../../src/consumer/ConsumerSettings.ts"
import { layerHousekeeping } from "../../src/consumer/Housekeeping.ts"
import { layerPool } from "../../src/consumer/Pool.ts"
import { OutOfService } from "../../src/domain/Problems.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { channelOf } from "../../src/stream/Announcements.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { giveTo } from "../support/giveTo.ts"
import { eventually, layerServers, statuses } from "../support/servers.ts"
import { within } from "../support/within.ts"

/** How many entries a consumer was given that others may take over by now. */
const givenBackBy = (consumer: string) =>
  Effect.gen(function* () {
    const { client } = yield* Redis
    const { group, stream } = yield* StreamSettings
    const { claimIdleMs } = yield* ConsumerSettings
    const found = yield* Effect.promise(() =>
      client.xpending(stream, group, "IDLE", claimIdleMs, "-", "+", 10_000, consumer)
    )
    return found.length
  })

/** Does it as the consumer would. */
const giveBackOf = (consumer: string) =>
  Effect.gen(function* () {
    const { client } = yield* Redis
    const { group, stream } = yield* StreamSettings
    const { claimIdleMs } = yield* ConsumerSettings
    return yield* Effect.promise(() => client.giveBack(stream, group, consumer, claimIdleMs))
  })

const away = new OutOfService({ part: "database", cause: new Error("It is away") })

/** A ledger with which nothing is counted; `asked` is done once it was asked to. */
const makeBroken = (count: Effect.Effect<never, OutOfService>) =>
  Effect.gen(function* () {
    const asked = yield* Deferred.make<void>()
    const ledger = yield* Ledger
    const broken = Ledger.of({ ...ledger, count: () => Effect.andThen(Deferred.succeed(asked, undefined), count) })
    return { asked: Deferred.await(asked), broken }
  })

describe("what a consumer was given and can't count", () => {
  it.live("is counted by others at once where it stops, and not only after CLAIM_IDLE_MS", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const { stream } = yield* StreamSettings
      const settings = yield* ConsumerSettings
      const { asked, broken } = yield* makeBroken(Effect.fail(away))
      yield* giveTo("test-1", 1_200)
      yield* Effect.gen(function* () {
        const channel = channelOf(stream, "left")
        const listeners = Effect.promise(() => client.pubsub("NUMSUB", channel))
        yield* eventually(Effect.map(listeners, (found) => assert.deepStrictEqual(found, [channel, 1])))
        yield* asked.pipe(
          Effect.provide(layerPool),
          Effect.provideService(Ledger, broken),
          Effect.provideService(ConsumerSettings, settings)
        )
        yield* within(
          4_000,
          eventually(Effect.map(statuses, (found) => assert.deepStrictEqual(found, { counted: 1_200 })))
        )
      }).pipe(
        Effect.provide(layerHousekeeping),
        Effect.provideService(ConsumerSettings, { ...settings, consumer: "other" })
      )
    }).pipe(Effect.provide(layerServers({ batchSize: 1_200, claimIdleMs: 60_000 })))
  )

  it.live("may be taken over again where its taker stops", () =>
    Effect.gen(function* () {
      const { asked, broken } = yield* makeBroken(Effect.never)
      yield* giveTo("dead", 5)
      assert.strictEqual(yield* giveBackOf("dead"), 5)
      yield* asked.pipe(Effect.provide(layerHousekeeping), Effect.provideService(Ledger, broken))
      assert.strictEqual(yield* givenBackBy("test-reclaim"), 5)
    }).pipe(Effect.provide(layerServers({ claimIdleMs: 60_000 })))
  )

  it.live("may be taken over again where the database was away for its taker", () =>
    Effect.gen(function* () {
      const { broken } = yield* makeBroken(Effect.fail(away))
      yield* giveTo("dead", 5)
      yield* giveBackOf("dead")
      const given = Effect.map(givenBackBy("test-reclaim"), (entries) => assert.strictEqual(entries, 5))
      yield* eventually(given).pipe(Effect.provide(layerHousekeeping), Effect.provideService(Ledger, broken))
    }).pipe(Effect.provide(layerServers({ claimIdleMs: 60_000 })))
  )

  it.live("is not forgotten where the stream no longer holds it", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const { group, stream } = yield* StreamSettings
      const { ids } = yield* giveTo("dead", 3)
      yield* Effect.promise(() => client.xdel(stream, ...ids.slice(0, 1)))
      assert.strictEqual(yield* giveBackOf("dead"), 2)
      const [pending] = yield* Effect.promise(() => client.xpending(stream, group))
      assert.strictEqual(pending, 3)
      assert.strictEqual(yield* giveBackOf("nobody"), 0)
    }).pipe(Effect.provide(layerServers()))
  )
})
