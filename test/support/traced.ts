import { Effect, Layer } from "effect"
import { layerTracing } from "../../src/layers/Tracing.ts"
import { startCollector } from "./collector.ts"

export type Env = Readonly<Record<string, string>>

/** Runs what makes spans, with these settings of OpenTelemetry's; returns the collector that all of them were sent to. */
export const traced = Effect.fnUntraced(function* <A, E>(spans: Effect.Effect<A, E>, env: Env = {}) {
  const collector = yield* startCollector
  const tracing = layerTracing("api", "test", { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env })
  yield* Effect.scoped(Effect.flatMap(Layer.build(tracing), (context) => Effect.provideContext(spans, context)))
  return collector
}, Effect.scoped)
