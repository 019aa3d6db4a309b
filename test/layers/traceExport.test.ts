import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Metric } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { TestClock } from "effect/testing"
import { layerTraceExport } from "../../src/layers/TraceExport.ts"
import { collectLog } from "../support/collectLog.ts"
import { parseMetrics } from "../support/metrics.ts"

/** A client of a collector that answers so. */
const makeClient = (answer: () => Promise<Response>) => {
  const sent = { requests: 0 }
  const log = collectLog()
  const fetch = Layer.succeed(FetchHttpClient.Fetch, () => {
    sent.requests++
    return answer()
  })
  return { sent, log, layer: layerTraceExport.pipe(Layer.provideMerge(Layer.mergeAll(fetch, log.layer))) }
}

const exported = Effect.flatMap(HttpClient.HttpClient, (client) => client.post("http://127.0.0.1/v1/traces"))

const failures = Effect.map(
  PrometheusMetrics.format(),
  (text) => parseMetrics(text).get("tallykeep_trace_export_failures_total") ?? 0
)

const expectGivenUp = (exits: ReadonlyArray<Exit.Exit<unknown, unknown>>) =>
  assert.isTrue(exits.every((exit) => Exit.hasDies(exit)))

describe("a collector that never answers", () => {
  it.effect("is given up after 10 s", () => {
    const { layer, log } = makeClient(() => new Promise(() => undefined))
    return Effect.gen(function* () {
      const tries = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(exported))
      yield* TestClock.adjust("9999 millis")
      assert.strictEqual(yield* failures, 0)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* failures, 3)
      expectGivenUp(yield* Effect.forEach(tries, Fiber.await))
      assert.deepStrictEqual(log.lines, [
        "WARN Traces can't be exported, and are dropped meanwhile: no answer within 10 s"
      ])
    }).pipe(Effect.provide(layer), Effect.provideService(Metric.MetricRegistry, new Map()))
  })

  it.effect("is sent no more than 32 requests at once", () => {
    const { layer, log, sent } = makeClient(() => new Promise(() => undefined))
    return Effect.gen(function* () {
      const tries = yield* Effect.forEach(Array.from({ length: 32 }), () => Effect.forkChild(exported))
      yield* TestClock.adjust("1 second")
      expectGivenUp(yield* Effect.forEach([1, 2, 3], () => Effect.exit(exported)))
      assert.strictEqual(sent.requests, 32)
      assert.strictEqual(yield* failures, 3)
      assert.lengthOf(log.lines, 1)
      assert.match(log.lines.join(), /the collector has left 32 tries without an answer$/)
      // Once they are given up, it is asked again.
      yield* TestClock.adjust("10 seconds")
      expectGivenUp(yield* Effect.forEach(tries, Fiber.await))
      yield* Effect.forkChild(exported)
      yield* TestClock.adjust(0)
      assert.strictEqual(sent.requests, 33)
    }).pipe(Effect.provide(layer), Effect.provideService(Metric.MetricRegistry, new Map()))
  })
})

describe("a collector that is well again", () => {
  it.effect("is told of once, and so is the next time that it is not", () => {
    const collector = { status: 503 }
    const { layer, log } = makeClient(() => Promise.resolve(new Response("{}", { status: collector.status })))
    const problem =
      "WARN Traces can't be exported, and are dropped meanwhile: the collector at OTEL_EXPORTER_OTLP_ENDPOINT"
    return Effect.gen(function* () {
      for (const status of [503, 503, 200, 200, 401]) {
        collector.status = status
        yield* exported
      }
      assert.deepStrictEqual(log.lines, [
        `${problem} answers 503`,
        "INFO Traces are exported again",
        `${problem} answers 401`
      ])
      assert.strictEqual(yield* failures, 3)
    }).pipe(Effect.provide(layer), Effect.provideService(Metric.MetricRegistry, new Map()))
  })
})
