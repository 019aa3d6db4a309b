import { Cause, Context, Layer, Logger, References, Tracer } from "effect"
import type { Settings } from "./Settings.ts"

const toText = (part: unknown): string => (typeof part === "string" ? part : JSON.stringify(part))

/** Writes a line as one JSON object, with its annotations, such as `vote_id`, beside its message. */
const jsonLine = (tracing: boolean): Logger.Logger<unknown, string> =>
  Logger.make(({ cause, date, fiber, logLevel, message }) => {
    const span = tracing ? Context.getOrUndefined(fiber.context, Tracer.ParentSpan) : undefined
    return JSON.stringify({
      timestamp: date.toISOString(),
      level: logLevel.toUpperCase(),
      message: (Array.isArray(message) ? message : [message]).map(toText).join(" "),
      ...fiber.getRef(References.CurrentLogAnnotations),
      ...(span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId }),
      ...(cause.reasons.length === 0 ? {} : { cause: Cause.pretty(cause) })
    })
  })

/** Logs JSON for machines in production, and text for people elsewhere. */
export const layerLogging = ({
  environment,
  logLevel,
  otlpEndpoint
}: Pick<Settings, "environment" | "logLevel" | "otlpEndpoint">): Layer.Layer<never> =>
  Layer.mergeAll(
    Logger.layer([
      environment === "production"
        ? Logger.withConsoleLog(jsonLine(otlpEndpoint !== undefined))
        : Logger.consolePretty()
    ]),
    Layer.succeed(References.MinimumLogLevel, logLevel)
  )
