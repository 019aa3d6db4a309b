import { Effect, type Tracer } from "effect"
import type { Vote } from "../domain/Vote.ts"
import { serverOf } from "./Redis.ts"
import type { Shard } from "./Shards.ts"

/** Returns a span in the form in which an entry carries it, W3C's `traceparent`; undefined where it is not recorded. */
const traceparentOf = ({ sampled, spanId, traceId }: Tracer.Span): string | undefined =>
  sampled ? `00-${traceId.padStart(32, "0")}-${spanId}-01` : undefined

/**
 * Runs the append of a vote under a span of its own, which the entry carries along as `traceparent`. `idOf` finds the entry's id in
 * what the append returns.
 */
export const traceAppend = <A, E>(
  { client, stream }: Pick<Shard, "client" | "stream">,
  { voteId }: Vote,
  run: (traceparent: string | undefined) => Effect.Effect<A, E>,
  idOf: (appended: A) => string
): Effect.Effect<A, E> =>
  Effect.useSpan(
    `append ${stream}`,
    {
      kind: "producer",
      attributes: {
        "messaging.system": "redis",
        "messaging.operation.name": "append",
        "messaging.operation.type": "send",
        "messaging.destination.name": stream,
        "tallykeep.vote_id": voteId,
        ...serverOf(client)
      }
    },
    (span) =>
      run(traceparentOf(span)).pipe(
        Effect.withParentSpan(span),
        Effect.tap((appended) => Effect.sync(() => span.attribute("messaging.message.id", idOf(appended))))
      )
  )
