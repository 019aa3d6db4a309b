import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { layerLedgerGauges } from "../../src/ledger/LedgerGauges.ts"
import { command, Redis } from "../../src/stream/Redis.ts"
import { layerStreamGauges } from "../../src/stream/StreamGauges.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { ownRedis } from "../e2e/ownServer.ts"
import { parseMetrics } from "../support/metrics.ts"
import { eventually, layerServers, quiet } from "../support/servers.ts"
import { makeSteppedClock } from "../support/steppedClock.ts"

const hour = 3_600_000

const skews = Effect.map(PrometheusMetrics.format(), (text) => {
  const metrics = parseMetrics(text)
  return ["redis", "stream", "database"].map((server) =>
    metrics.get(`tallykeep_clock_skew_seconds{server="${server}"}`)
  )
})

/** Waits until the skews are as expected, to a minute; the machine may be busy. */
const untilSkewed = (...expected: ReadonlyArray<number>) =>
  eventually(
    Effect.map(skews, (found) => {
      assert.lengthOf(found, expected.length)
      found.forEach((skew, index) => {
        assert.closeTo(skew ?? Number.NaN, expected[index] ?? 0, 60)
      })
    })
  )

const layerGauges = Layer.mergeAll(layerStreamGauges("append"), layerLedgerGauges(5))

describe("the skew of the clocks", () => {
  it.live("tells a stream whose ids are ahead from a Redis whose clock is", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const { stream } = yield* StreamSettings
      yield* untilSkewed(0, 0, 0)
      yield* command(() => client.xadd(stream, `${Date.now() + hour}-0`, "v", "1"))
      yield* untilSkewed(0, 3_600, 0)
    }).pipe(Effect.provide(layerGauges.pipe(Layer.provideMerge(layerServers()))))
  )

  it.live("is that of all servers where our own clock is wrong", () =>
    Effect.gen(function* () {
      const clock = yield* makeSteppedClock
      clock.step(-hour)
      yield* untilSkewed(3_600, 3_600, 3_600).pipe(
        Effect.provide(layerGauges.pipe(Layer.provideMerge(layerServers()), Layer.provide(clock.layer)))
      )
    })
  )

  it.live("is not known while Redis is away", () =>
    Effect.gen(function* () {
      const redis = yield* ownRedis
      yield* Effect.gen(function* () {
        yield* untilSkewed(0, 0, 0)
        yield* redis.crash
        yield* eventually(
          Effect.map(skews, ([ofRedis, ofStream]) =>
            assert.deepStrictEqual([ofRedis, ofStream], [Number.NaN, Number.NaN])
          )
        )
      }).pipe(Effect.provide(layerGauges.pipe(Layer.provideMerge(layerServers({}, undefined, redis.url)))))
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )
})
