import { assert, describe, it } from "@effect/vitest"
import { Effect, Tracer } from "effect"
import { type Env, traced } from "../support/traced.ts"

/** Runs spans with these settings of OpenTelemetry's; returns the names of those that a collector was sent. */
const exported = <A>(env: Env, spans: Effect.Effect<A>) =>
  Effect.map(traced(spans, env), (collector) => collector.spans.map(({ name }) => name))

/** A request as part of a client's trace, which its own client records or not; with a step inside. */
const request = (traceId: string, sampled: boolean) =>
  Effect.void.pipe(
    Effect.withSpan("step"),
    Effect.withSpan("request", { parent: Tracer.externalSpan({ traceId, spanId: "00f067aa0ba902b7", sampled }) })
  )

const low = "4bf92f3577b34da60000000000000001"
const high = "4bf92f3577b34da6ffffffffffffffff"

const recorded = request(low, true)
const unrecorded = request(low, false)
const begun = Effect.void.pipe(Effect.withSpan("step"), Effect.withSpan("request"))
const batch = Effect.void.pipe(
  Effect.withSpan("batch", {
    links: [{ span: Tracer.externalSpan({ traceId: low, spanId: "00f067aa0ba902b7" }), attributes: {} }]
  })
)

const sampler = (name: string, part?: string): Env => ({
  OTEL_TRACES_SAMPLER: name,
  ...(part === undefined ? {} : { OTEL_TRACES_SAMPLER_ARG: part })
})

const both = ["step", "request"]

describe("which traces are recorded", () => {
  it.live.each<readonly [string, Env, Readonly<Record<"recorded" | "unrecorded" | "begun" | "batch", boolean>>]>([
    ["nothing", {}, { recorded: true, unrecorded: false, begun: true, batch: true }],
    ["a name of no sampler", sampler("xray"), { recorded: true, unrecorded: false, begun: true, batch: true }],
    ["always_on", sampler("always_on"), { recorded: true, unrecorded: true, begun: true, batch: true }],
    ["always_off", sampler("always_off"), { recorded: false, unrecorded: false, begun: false, batch: false }],
    ["a ratio of 0", sampler("traceidratio", "0"), { recorded: false, unrecorded: false, begun: false, batch: false }],
    ["a ratio of 1", sampler("traceidratio", "1"), { recorded: true, unrecorded: true, begun: true, batch: true }],
    ["no ratio", sampler("traceidratio"), { recorded: true, unrecorded: true, begun: true, batch: true }],
    ["a ratio past 1", sampler("traceidratio", "2"), { recorded: true, unrecorded: true, begun: true, batch: true }],
    [
      "parentbased_always_on",
      sampler("parentbased_always_on"),
      { recorded: true, unrecorded: false, begun: true, batch: true }
    ],
    [
      "parentbased_always_off",
      sampler("parentbased_always_off"),
      { recorded: true, unrecorded: false, begun: false, batch: true }
    ],
    [
      "a client's word, and a ratio of 0",
      sampler("parentbased_traceidratio", "0"),
      { recorded: true, unrecorded: false, begun: false, batch: true }
    ]
  ])("is told by OpenTelemetry's own settings: %s", ([, env, expected]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* exported(env, recorded), expected.recorded ? both : [], "recorded")
      assert.deepStrictEqual(yield* exported(env, unrecorded), expected.unrecorded ? both : [], "unrecorded")
      assert.deepStrictEqual(yield* exported(env, begun), expected.begun ? both : [], "begun")
      assert.deepStrictEqual(yield* exported(env, batch), expected.batch ? ["batch"] : [], "batch")
    })
  )

  it.live("a ratio is of all traces, and the same ones everywhere by their ids", () =>
    Effect.gen(function* () {
      const half = sampler("traceidratio", "0.5")
      for (const sampled of [true, false]) {
        assert.deepStrictEqual(yield* exported(half, request(low, sampled)), [])
        assert.deepStrictEqual(yield* exported(half, request(high, sampled)), both)
      }
      assert.deepStrictEqual(yield* exported(sampler("traceidratio", "0"), request(high, true)), [])
      const many = yield* exported(half, Effect.repeat(begun, { times: 399 }))
      assert.isAbove(many.length, 2 * 120)
      assert.isBelow(many.length, 2 * 280)
    })
  )
})
