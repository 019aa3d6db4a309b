import { Context, Effect, Layer, Schedule } from "effect"
import { onBeatWhileBusy } from "../Elapsed.ts"
import { makeMeter } from "../Meter.ts"
import { makeOutageLog } from "./Outage.ts"
import { StreamSettings } from "./StreamSettings.ts"
import { backlogOf } from "./StreamState.ts"
import { VoteStream } from "./VoteStream.ts"

/** How often Redis is asked, in ms: while votes come in or wait, and else. */
const interval = 500
const quiet = 1_000

/** How many votes are accepted and not yet counted, as last seen: a second ago at most, while Redis answers. */
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
      let last = ""
      /** Tells whether votes wait, or have come since the last time. */
      const sample = Effect.gen(function* () {
        const states = yield* stream.states
        pending = backlogOf(states)
        if (pending >= maxBacklog !== full) {
          full = !full
          yield* full
            ? Effect.logError(`The backlog is full (${pending} votes): refusing votes until it is below ${maxBacklog}`)
            : Effect.logInfo(`The backlog is ${pending} votes again: accepting votes`)
        }
        const before = last
        last = states.map(({ lastMs }) => lastMs).join()
        return pending > 0 || last !== before
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
          Effect.andThen(Effect.fromResult(checked), (refusals) =>
            Effect.map(Effect.fromResult(sampled), (busy) => ({ busy, refusals }))
          )
        ),
        Effect.flatMap(({ busy, refusals }) =>
          refusals.length === 0
            ? Effect.as(outage.up, busy)
            : Effect.as(
                outage.down(
                  "take all votes",
                  refusals.map(({ error, stream }) => `${stream}: ${error.message}`).join("; ")
                ),
                true
              )
        ),
        Effect.catch((error) => Effect.as(outage.down("take votes", error.message), true))
      )
      // At the same time, so that the process is woken once. That Redis is away is told by the one.
      const looking = Effect.map(
        Effect.all([watched, Effect.ignore(keyMemory.sample)], { concurrency: 2 }),
        ([busy]) => busy
      )
      // The first connection takes a moment; that is no outage yet.
      const connected = Effect.timeoutOption(
        Effect.retry(stream.check("append"), Schedule.spaced("10 millis")),
        "2 seconds"
      )
      yield* connected.pipe(
        Effect.andThen(Effect.forkChild(Effect.retry(logKeeping, Schedule.spaced("1 second")))),
        Effect.andThen(Effect.repeat(looking, onBeatWhileBusy(interval, quiet))),
        Effect.forkScoped
      )
      return Backlog.of({ pending: () => pending, isFull: () => full })
    })
  )
}
