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

/** Which traces are recorded, as OpenTelemetry names it. */
interface Sampler {
  /** Whether a client's word counts for the traces that it began, or these are drawn like others. */
  readonly parentBased: boolean
  /** The share that is recorded of the traces that are drawn, from 0 to 1. */
  readonly ratio: number
}

type SpanOptions = Parameters<Tracer.Tracer["span"]>[0]

/** Whether a span is recorded. */
const isSampled = ({ parentBased, ratio }: Sampler, { links, parent, sampled }: SpanOptions): boolean => {
  // A batch links to recorded traces of votes: without it, these would end where the vote is appended.
  if (Option.isNone(parent)) return sampled && (links.length > 0 ? parentBased || ratio > 0 : Math.random() < ratio)
  return parent.value._tag === "Span" || parentBased ? sampled : isDrawn(parent.value.traceId, ratio)
}

/** Whether a trace is of the share that is recorded, by its id's last digits: hexadecimal, random, and no more than a number holds. */
const isDrawn = (traceId: string, ratio: number): boolean =>
  Number.parseInt(traceId.slice(-13), 16) >= (1 - ratio) * 2 ** 52

/** Leaves out hidden attributes, and what is not to be recorded. */
const filtered = (tracer: Tracer.Tracer, sampler: Sampler): Tracer.Tracer =>
  Tracer.make({
    ...tracer,
    span: (options) => {
      const span = tracer.span({ ...options, sampled: isSampled(sampler, options) })
      const attribute = span.attribute.bind(span)
      span.attribute = (key, value) => (hidden.has(key) ? undefined : attribute(key, value))
      return span
    }
  })

/** Returns what OpenTelemetry's own settings ask for; where they say nothing that is known, `parentbased_always_on`. */
const samplerOf = ({ OTEL_TRACES_SAMPLER: name = "", OTEL_TRACES_SAMPLER_ARG: part }: NodeJS.ProcessEnv): Sampler => {
  const known = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(name.trim())
  if (known === null) return { parentBased: true, ratio: 1 }
  const [, parent, draw] = known
  const share = Number(part || 1)
  const ratio = draw === "traceidratio" && share >= 0 && share <= 1 ? share : 1
  return { parentBased: parent !== undefined, ratio: draw === "always_off" ? 0 : ratio }
}

/** Sends traces to `OTEL_EXPORTER_OTLP_ENDPOINT`, by OTLP over HTTP; OpenTelemetry's other settings apply. */
export const layerTracing = (role: Role, env: NodeJS.ProcessEnv): Layer.Layer<never> =>
  Layer.effect(
    Tracer.Tracer,
    Effect.map(Tracer.Tracer, (tracer) => filtered(tracer, samplerOf(env)))
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
