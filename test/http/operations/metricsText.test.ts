import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Metric, Scope } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { makeMetricsText } from "../../../src/http/operations/MetricsText.ts"
import { durations, makeMeter } from "../../../src/Meter.ts"

const alone = Layer.sync(Metric.MetricRegistry, () => new Map())

const number = 1 / 3

describe("the text of all metrics", () => {
  it.effect("is the one that Effect makes, whatever comes, changes and goes", () =>
    Effect.gen(function* () {
      const meter = yield* makeMeter
      const text = makeMetricsText()
      const check = Effect.gen(function* () {
        assert.strictEqual(yield* text, yield* PrometheusMetrics.format())
      })
      yield* check
      const count = meter.counter("things_total", 'Things \\ of "all"\nkinds', { kind: 'a "b" \\ c\nd {e} 1' })
      yield* check
      count(1.5)
      yield* check
      const took = meter.histogram("took_seconds", "How long", durations, { route: "/a b" })
      took(0.003)
      took(number)
      took(1_000)
      yield* check
      // Of a family that there is already.
      const votes = meter.counterByPoll("votes_total", "Votes")
      meter.counter("others_total", "Others")()
      for (let poll = 0; poll < 120; poll++) votes(`poll-${poll}`, poll)
      meter.counter("things_total", "Things", { kind: "late" })
      yield* check
      const scope = yield* Scope.make()
      const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0.5, 1e21, 1e-7]
      let value = 0
      yield* Scope.provide(
        meter.gauge("level", "A level", () => value),
        scope
      )
      for (value of values) yield* check
      yield* Scope.close(scope, Exit.void)
      // One goes as another one comes: there are as many as before.
      yield* meter.gauge("level", "A level", () => 7, { of: "another" })
      took(2)
      yield* check
      assert.include(yield* text, 'level{of="another"} 7\n')
    }).pipe(Effect.scoped, Effect.provide(alone))
  )

  it.effect("is made by Effect where there is a metric of a kind that we have none of", () =>
    Effect.gen(function* () {
      const meter = yield* makeMeter
      meter.counter("things_total", "Things")(3)
      const words = Metric.frequency("words", { description: "Words" })
      yield* Metric.update(words, "one")
      const text = makeMetricsText()
      assert.strictEqual(yield* text, yield* PrometheusMetrics.format())
      yield* Metric.update(words, "two")
      assert.strictEqual(yield* text, yield* PrometheusMetrics.format())
    }).pipe(Effect.provide(alone))
  )
})
