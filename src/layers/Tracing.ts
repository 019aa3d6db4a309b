import { randomUUID } from "node:crypto"
import { ConfigProvider, Effect, Layer, Option, Tracer } from "effect"
import { HttpMiddleware } from "effect/http"
import { OtlpTracer } from "effect/observability"
import { pathOf } from "../http/RequestPath.ts"
import { routeOf } from "../http/Routes.ts"
import type { Role, Settings } from "./Settings.ts"
import { conventional, layerSpanJson } from "./SpanConventions.ts"
import { layerTraceExport } from "./TraceExport.ts"

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

/** Leaves out what is not to be recorded, and has all else follow the conventions. */
const filtered = (tracer: Tracer.Tracer, sampler: Sampler): Tracer.Tracer =>
  Tracer.make({
    ...tracer,
    span: (options) => conventional(tracer.span({ ...options, sampled: isSampled(sampler, options) }))
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

type Environment = Settings["environment"]

/**
 * Returns what all spans of this process have in common, in the form of `OTEL_RESOURCE_ATTRIBUTES`. What is said there itself comes
 * last, and holds, unless it can't be read.
 */
const resourceOf = (role: Role, environment: Environment, given = ""): string => {
  const ours = {
    "service.name": "tallykeep",
    "service.version": process.env.TALLYKEEP_VERSION ?? "0.0.0",
    "service.instance.id": randomUUID(),
    "deployment.environment.name": environment,
    "tallykeep.role": role
  }
  const attributes = Object.entries(ours).map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
  return [...attributes, ...(isReadable(given) ? [given] : [])].join(",")
}

const isReadable = (attributes: string): boolean => {
  try {
    return decodeURIComponent(attributes) !== ""
  } catch {
    return false
  }
}

/** Sends traces to `OTEL_EXPORTER_OTLP_ENDPOINT`, by OTLP over HTTP; OpenTelemetry's other settings apply. */
export const layerTracing = (role: Role, environment: Environment, env: NodeJS.ProcessEnv): Layer.Layer<never> =>
  Layer.effect(
    Tracer.Tracer,
    Effect.map(Tracer.Tracer, (tracer) => filtered(tracer, samplerOf(env)))
  ).pipe(
    Layer.provide(OtlpTracer.layerFromConfig()),
    Layer.merge(Layer.succeed(HttpMiddleware.TracerDisabledWhen, ({ url }) => untraced.has(pathOf(url)))),
    Layer.merge(Layer.succeed(HttpMiddleware.TracerHeaderFilter, () => false)),
    Layer.merge(
      Layer.succeed(HttpMiddleware.SpanNameGenerator, ({ method, url }) => {
        const route = routeOf(pathOf(url))
        return route === "other" ? method : `${method} ${route}`
      })
    ),
    Layer.provide([layerSpanJson, layerTraceExport]),
    Layer.provide(
      ConfigProvider.layer(
        ConfigProvider.fromEnv({
          env: {
            OTEL_TRACES_EXPORTER: "otlp",
            ...setIn(env),
            OTEL_RESOURCE_ATTRIBUTES: resourceOf(role, environment, env.OTEL_RESOURCE_ATTRIBUTES)
          }
        })
      )
    )
  )

/** To OpenTelemetry, an empty variable is none. */
const setIn = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value ? [[name, value]] : [])))
