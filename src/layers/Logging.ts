import { Cause, Context, Layer, Logger, References, Tracer } from "effect"
import type { Settings } from "./Settings.ts"

const textOf = (part: unknown): string => (typeof part === "string" ? part : JSON.stringify(part))

/** A line as one JSON object, with what the line is annotated with, such as `vote_id`, beside its message. */
const jsonLine = (tracing: boolean): Logger.Logger<unknown, string> =>
  Logger.make(({ cause, date, fiber, logLevel, message }) => {
    const span = tracing ? Context.getOrUndefined(fiber.context, Tracer.ParentSpan) : undefined
    return JSON.stringify({
      timestamp: date.toISOString(),
      level: logLevel.toUpperCase(),
      message: (Array.isArray(message) ? message : [message]).map(textOf).join(" "),
      ...fiber.getRef(References.CurrentLogAnnotations),
      ...(span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId }),
      ...(cause.reasons.length === 0 ? {} : { cause: Cause.pretty(cause) })
    })
  })

/** JSON for machines in production, and for people elsewhere. */
export const layerLogging = ({ environment, logLevel, otlpEndpoint }: Settings): Layer.Layer<never> =>
  Layer.mergeAll(
    Logger.layer([
      environment === "production"
        ? Logger.withConsoleLog(jsonLine(otlpEndpoint !== undefined))
        : Logger.consolePretty()
    ]),
    Layer.succeed(References.MinimumLogLevel, logLevel)
  )
