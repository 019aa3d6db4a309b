import { Effect, Option, type Tracer } from "effect"
import { Headers, HttpTraceContext } from "effect/http"
import type { Entry, EntryBatch } from "../consumer/EntryBatch.ts"
import { fieldsByName } from "../domain/Vote.ts"

/** A batch can hold votes of more traces than a collector would keep links of. */
const mostLinks = 128

/** A span, as an entry carries it: W3C's `traceparent`. Undefined where the trace is not recorded. */
export const traceparentOf = ({ sampled, spanId, traceId }: Tracer.Span): string | undefined =>
  sampled ? `00-${traceId.padStart(32, "0")}-${spanId}-01` : undefined

const linksOf = (entries: ReadonlyArray<Entry>): ReadonlyArray<Tracer.SpanLink> => {
  const links: Array<Tracer.SpanLink> = []
  for (const entry of entries) {
    if (links.length === mostLinks) break
    const { traceparent } = fieldsByName(entry.fields ?? [])
    if (traceparent === undefined) continue
    const span = HttpTraceContext.w3c(Headers.fromRecordUnsafe({ traceparent }))
    if (Option.isSome(span) && span.value.sampled) links.push({ span: span.value, attributes: {} })
  }
  return links
}

/** Counts a batch under a span of its own, linked to the traces of its votes; under none where no vote has one. */
export const traceBatch =
  (stream: string, { ids, others }: EntryBatch) =>
  <A, E, R>(record: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
    // An entry with a trace is more than a vote.
    const links = linksOf(others)
    return links.length === 0
      ? record
      : Effect.withSpan(record, "count batch", {
          root: true,
          kind: "consumer",
          links,
          attributes: {
            "messaging.system": "redis",
            "messaging.destination.name": stream,
            "messaging.batch.message_count": ids.length
          }
        })
  }
