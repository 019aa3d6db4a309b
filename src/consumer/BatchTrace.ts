import { Effect, Option, type Tracer } from "effect"
import { Headers, HttpTraceContext } from "effect/http"
import { serverOf } from "../stream/Redis.ts"
import type { Shard } from "../stream/Shards.ts"
import { fieldsByName } from "../stream/VoteEntry.ts"
import type { Entry, EntryBatch } from "./EntryBatch.ts"

/** The most links that a batch's span gets: collectors keep no more. */
const maxLinks = 128

/** Returns links to the traces that entries carry along, where these are recorded. */
const linksOf = (entries: ReadonlyArray<Entry>): ReadonlyArray<Tracer.SpanLink> => {
  const links: Array<Tracer.SpanLink> = []
  for (const { fields, id } of entries) {
    if (links.length === maxLinks) break
    const { traceparent } = fieldsByName(fields ?? [])
    if (traceparent === undefined) continue
    const span = HttpTraceContext.w3c(Headers.fromRecordUnsafe({ traceparent }))
    if (Option.isSome(span) && span.value.sampled) {
      links.push({ span: span.value, attributes: { "messaging.message.id": id } })
    }
  }
  return links
}

/** Counts a batch under a span of its own that links to the traces of its votes; without a span where no vote has a trace. */
export const traceBatch =
  ({ client, stream }: Pick<Shard, "client" | "stream">, group: string, { ids, others }: EntryBatch) =>
  <A, E, R>(record: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
    // An entry with a trace is never among the plain votes.
    const links = linksOf(others)
    return links.length === 0
      ? record
      : Effect.withSpan(record, `count ${stream}`, {
          root: true,
          kind: "consumer",
          links,
          attributes: {
            "messaging.system": "redis",
            "messaging.operation.name": "count",
            "messaging.operation.type": "process",
            "messaging.destination.name": stream,
            "messaging.consumer.group.name": group,
            "messaging.batch.message_count": ids.length,
            ...serverOf(client)
          }
        })
  }
