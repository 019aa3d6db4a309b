import { Context, Effect, Layer, Schedule } from "effect"
import { onBeat } from "../Elapsed.ts"
import { makeMeter } from "../Meter.ts"
import { makeOutageLog } from "./Outage.ts"
import { StreamSettings } from "./StreamSettings.ts"
import { VoteStream } from "./VoteStream.ts"

/** How often Redis is asked, in ms. */
const interval = 500

/** How many votes are accepted and not yet counted, as last seen: less than a second ago, while Redis answers. */
export class Backlog extends Context.Service<
  Backlog,
  {
    readonly pending: () => number
    /** Whether it has reached `MAX_BACKLOG`: no more votes are accepted until the consumers catch up. */
    readonly isFull: () => boolean
  }
>()("tallykeep/stream/Backlog") {
  static readonly layer = Layer.effect(
    Backlog,
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const { maxBacklog } = yield* StreamSettings
      let pending = 0
      let full = false
      const sample = Effect.gen(function* () {
        pending = yield* stream.backlog
        if (pending >= maxBacklog !== full) {
          full = !full
          yield* full
            ? Effect.logError(`The backlog is full (${pending} votes): refusing votes until it is below ${maxBacklog}`)
            : Effect.logInfo(`The backlog is ${pending} votes again: accepting votes`)
        }
      })
      const logKeeping = Effect.flatMap(stream.keeping, ({ durability, warnings }) =>
        warnings.length === 0
          ? Effect.logInfo(`Redis keeps votes with durability ${durability}`)
          : Effect.forEach(warnings, (warning) => Effect.logWarning(warning), { discard: true })
      )
      const { keyMemory } = stream
      const meter = yield* makeMeter
      yield* meter.gauge(
        "tallykeep_idempotency_bytes",
        "What records of idempotency keys hold of Redis's memory",
        keyMemory.bytes
      )
      yield* meter.gauge("tallykeep_idempotency_limit_bytes", "The share of it that they may hold", keyMemory.limit)
      const outage = makeOutageLog("Redis takes votes")
      // Also while Redis takes no votes, the backlog changes.
      const watched = Effect.all([sample, stream.check("append")], { concurrency: 2, mode: "result" }).pipe(
        Effect.flatMap(([sampled, checked]) =>
          Effect.andThen(Effect.fromResult(checked), (refusals) => Effect.as(Effect.fromResult(sampled), refusals))
        ),
        Effect.flatMap((refusals) =>
          refusals.length === 0
            ? outage.up
            : outage.down(
                "take all votes",
                refusals.map(({ error, stream }) => `${stream}: ${error.message}`).join("; ")
              )
        ),
        Effect.catch((error) => outage.down("take votes", error.message))
      )
      // At the same time, so that the process is woken once. That Redis is away is told by the one.
      const looking = Effect.all([watched, Effect.ignore(keyMemory.sample)], { concurrency: 2, discard: true })
      // The first connection takes a moment; that is no outage yet.
      const connected = Effect.timeoutOption(
        Effect.retry(stream.check("append"), Schedule.spaced("10 millis")),
        "2 seconds"
      )
      yield* connected.pipe(
        Effect.andThen(Effect.forkChild(Effect.retry(logKeeping, Schedule.spaced("1 second")))),
        Effect.andThen(Effect.repeat(looking, onBeat(interval))),
        Effect.forkScoped
      )
      return Backlog.of({ pending: () => pending, isFull: () => full })
    })
  )
}
