import { ConfigProvider, Effect, Layer, Option, Tracer } from "effect"
import { HttpMiddleware } from "effect/http"
import { OtlpSerialization, OtlpTracer } from "effect/observability"
import { pathOf } from "../http/RequestPath.ts"
import { routeOf } from "../http/Routes.ts"
import type { Role } from "./Settings.ts"
import { layerTraceExport } from "./TraceExport.ts"

/** They tell who sent a vote, and must not stand beside its `vote_id`, by which the ledger knows its option. */
const hidden = new Set(["client.address", "user_agent.original"])

/** Paths that machines ask for, again and again. */
const untraced = new Set(["/health", "/ready", "/metrics"])

/** Leaves out hidden attributes, and records the share `ratio`, from 0 to 1, of the traces that begin here. */
const filtered = (tracer: Tracer.Tracer, ratio: number): Tracer.Tracer =>
  Tracer.make({
    ...tracer,
    span: (options) => {
      const drawn = Option.isSome(options.parent) || options.links.length > 0 || Math.random() < ratio
      const span = tracer.span({ ...options, sampled: options.sampled && drawn })
      const attribute = span.attribute.bind(span)
      span.attribute = (key, value) => (hidden.has(key) ? undefined : attribute(key, value))
      return span
    }
  })

/** Returns the share of traces that OpenTelemetry's own settings ask for, from 0 to 1; 1 where they say nothing. */
const ratioOf = ({ OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: part }: NodeJS.ProcessEnv): number => {
  if (sampler?.endsWith("always_off")) return 0
  const ratio = Number(part)
  return sampler?.endsWith("traceidratio") && ratio >= 0 && ratio <= 1 ? ratio : 1
}

/** Sends traces to `OTEL_EXPORTER_OTLP_ENDPOINT`, by OTLP over HTTP; OpenTelemetry's other settings apply. */
export const layerTracing = (role: Role, env: NodeJS.ProcessEnv): Layer.Layer<never> =>
  Layer.effect(
    Tracer.Tracer,
    Effect.map(Tracer.Tracer, (tracer) => filtered(tracer, ratioOf(env)))
  ).pipe(
    Layer.provide(
      OtlpTracer.layerFromConfig({
        resource: {
          serviceName: env.OTEL_SERVICE_NAME ?? "tallykeep",
          serviceVersion: process.env.TALLYKEEP_VERSION ?? "0.0.0",
          attributes: { "tallykeep.role": role }
        }
      })
    ),
    Layer.merge(Layer.succeed(HttpMiddleware.TracerDisabledWhen, ({ url }) => untraced.has(pathOf(url)))),
    Layer.merge(Layer.succeed(HttpMiddleware.TracerHeaderFilter, () => false)),
    Layer.merge(
      Layer.succeed(HttpMiddleware.SpanNameGenerator, ({ method, url }) => `${method} ${routeOf(pathOf(url))}`)
    ),
    Layer.provide([OtlpSerialization.layerJson, layerTraceExport]),
    Layer.provide(
      ConfigProvider.layer(ConfigProvider.fromEnv({ env: { OTEL_TRACES_EXPORTER: "otlp", ...stringsOf(env) } }))
    )
  )

const stringsOf = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
