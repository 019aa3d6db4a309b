import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { makeMeter } from "../src/Meter.ts"
import { layerOwnRegistry, parseMetrics } from "./support/metrics.ts"

const metrics = Effect.map(PrometheusMetrics.format(), parseMetrics)

describe("a meter", () => {
  it.effect("shows a counter from its start, and adds to it", () =>
    Effect.gen(function* () {
      const meter = yield* makeMeter
      const count = meter.counter("things_total", "Things", { kind: "small" })
      assert.strictEqual((yield* metrics).get('things_total{kind="small"}'), 0)
      count()
      count(4)
      assert.strictEqual((yield* metrics).get('things_total{kind="small"}'), 5)
    }).pipe(Effect.provide(layerOwnRegistry))
  )

  it.effect("tells a hundred polls apart, however many there are", () =>
    Effect.gen(function* () {
      const meter = yield* makeMeter
      const count = meter.counterByPoll("votes_total", "Votes")
      assert.deepStrictEqual([...(yield* metrics)], [['votes_total{poll="other"}', 0]])
      for (let round = 0; round < 2; round++) {
        for (let poll = 0; poll < 150; poll++) count(`poll-${poll}`)
      }
      const seen = yield* metrics
      assert.strictEqual(seen.size, 101)
      assert.strictEqual(seen.get('votes_total{poll="poll-99"}'), 2)
      assert.strictEqual(seen.get('votes_total{poll="other"}'), 100)
    }).pipe(Effect.provide(layerOwnRegistry))
  )

  it.effect("reads a gauge when it is asked for, while its scope is open", () =>
    Effect.gen(function* () {
      const meter = yield* makeMeter
      let level = 1
      yield* Effect.gen(function* () {
        yield* meter.gauge("level", "Level", () => level)
        yield* meter.total("risen_total", "Risen", () => level * 10)
        level = 2
        assert.deepStrictEqual(
          [...(yield* metrics)],
          [
            ["level", 2],
            ["risen_total", 20]
          ]
        )
      }).pipe(Effect.scoped)
      assert.strictEqual((yield* metrics).size, 0)
    }).pipe(Effect.provide(layerOwnRegistry))
  )

  it.effect("puts what it observes into the buckets of a histogram", () =>
    Effect.gen(function* () {
      const meter = yield* makeMeter
      const observe = meter.histogram("took_seconds", "Took", [0.1, 1])
      for (const seconds of [0.05, 0.1, 0.5, 3]) observe(seconds)
      assert.deepStrictEqual(Object.fromEntries(yield* metrics), {
        'took_seconds_bucket{le="0.1"}': 2,
        'took_seconds_bucket{le="1"}': 3,
        'took_seconds_bucket{le="+Inf"}': 4,
        took_seconds_sum: 3.65,
        took_seconds_count: 4
      })
    }).pipe(Effect.provide(layerOwnRegistry))
  )
})
