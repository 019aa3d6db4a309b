import type { Tracer } from "effect"

/** Returns a span in the form in which an entry carries it, W3C's `traceparent`; undefined where it is not recorded. */
export const traceparentOf = ({ sampled, spanId, traceId }: Tracer.Span): string | undefined =>
  sampled ? `00-${traceId.padStart(32, "0")}-${spanId}-01` : undefined
