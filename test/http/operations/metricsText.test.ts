import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { makeMetricsText } from "../../../src/http/operations/MetricsText.ts"
import { makeMeter } from "../../../src/Meter.ts"
import { layerOwnRegistry } from "../../support/metrics.ts"

describe("the text of the metrics", () => {
  it.effect("is what Effect writes, whatever has come, gone and changed since the last one", () =>
    Effect.gen(function* () {
      const text = yield* makeMetricsText
      const expectSame = Effect.gen(function* () {
        const plain = yield* PrometheusMetrics.format()
        assert.strictEqual(text().toString(), plain)
        return plain
      })
      assert.strictEqual(yield* expectSame, "")
      const meter = yield* makeMeter
      const count = meter.counter("things_total", 'Things\nof "all" kinds \\ sizes', { kind: 'a "b"\\c\nd e', le: "1" })
      const took = meter.histogram("took_seconds", "Took", [0.1, 1, Number.POSITIVE_INFINITY], { route: "/x y" })
      const byPoll = meter.counterByPoll("votes_total", "Votes")
      yield* expectSame
      count(3)
      for (const seconds of [0.05, 0.5, 1e-7, 1e22]) took(seconds)
      // Its name is there already, before others.
      meter.counter("things_total", "Things", { kind: "other" })(2 ** 53)
      for (let poll = 0; poll < 120; poll++) byPoll(`poll-${poll}`, poll)
      yield* expectSame
      let level = Number.NaN
      yield* Effect.gen(function* () {
        yield* meter.gauge("level", "", () => level)
        yield* meter.gauge("9 odd-name_", "Is made right", () => -level)
        yield* expectSame
        for (level of [0, -0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) yield* expectSame
      }).pipe(Effect.scoped)
      assert.notInclude(yield* expectSame, "level")
      const fiftieth = Metric.summary("asked_seconds", { maxAge: "1 minute", maxSize: 10, quantiles: [0.5] })
      const words = Metric.frequency("words")
      for (const word of ["a", "b", "a"]) {
        yield* Metric.update(words, word)
        yield* Metric.update(fiftieth, 1)
        yield* expectSame
      }
    }).pipe(Effect.provide(layerOwnRegistry))
  )
})
