import { Effect, Exit, Layer, RcRef, Schedule } from "effect"
import { elapsed } from "../Elapsed.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { type Claim, Tabulations } from "../ledger/Tabulations.ts"
import { durations, makeMeter } from "../Meter.ts"
import { Announcements } from "../stream/Announcements.ts"
import { type Turns, takeTurns } from "../stream/Turns.ts"
import { makeTabulationThread } from "./TabulationThread.ts"

/**
 * How often polls are looked for whose tabulation is to be made anew, in ms: sooner, where a tally has changed, and seldom where all
 * are made.
 */
const turns: Turns = { topics: ["tally"], soonest: 500, latest: 2_000, quiet: 10_000 }
/** How often a claim is renewed while a poll is tabulated. */
const renewInterval = "5 seconds"
/** How long the thread is kept that has nothing to do. */
const idle = "1 minute"

/**
 * Makes the function that tabulates one ranked poll whose tabulation is not of its present tally, if there is one, in a thread
 * beside, and stores what it comes to. Any number of processes may do it: a poll is claimed by one of them, and by another one
 * after a while where that ends without an answer. Returns the poll.
 */
export const makeTabulating = Effect.gen(function* () {
  const tabulations = yield* Tabulations
  const { announce } = yield* Announcements
  const meter = yield* makeMeter
  const seconds = meter.histogram(
    "tallykeep_tabulation_seconds",
    "How long the tabulation of a ranked poll took, reading its rankings too",
    durations
  )
  const tabulated = meter.counter("tallykeep_tabulated_ballots_total", "Ballots in the tabulations of ranked polls")
  const threads = yield* RcRef.make({ acquire: makeTabulationThread, idleTimeToLive: idle })

  const tabulate = Effect.fnUntraced(function* (claim: Claim) {
    // To start a thread takes longer than a small poll does, and is not what the next tabulation takes.
    const thread = yield* RcRef.get(threads)
    const started = yield* elapsed
    const { revision } = yield* tabulations.read(claim.poll, thread.begin, thread.add)
    const { ballots, tabulation } = yield* thread.tabulate
    const took = (yield* elapsed) - started
    if (!(yield* tabulations.store(claim, revision, tabulation, took))) return
    seconds(took / 1000)
    tabulated(ballots)
    yield* announce("tally", claim.poll)
  }, Effect.scoped)

  return Effect.gen(function* () {
    const claim = yield* tabulations.claim
    if (claim === undefined) return undefined
    // A claim that can't be renewed for now may be lost, which storing the result finds out.
    const renewing = Effect.repeat(Effect.ignore(tabulations.renew(claim)), Schedule.spaced(renewInterval))
    const tabulating = Effect.tapError(tabulate(claim), (error) =>
      error._tag === "TabulationFailed"
        ? Effect.annotateLogs(Effect.logError("The tabulation of a ranked poll has failed", error.cause), {
            poll: claim.poll
          })
        : Effect.void
    )
    yield* Effect.raceFirst(tabulating, Effect.delay(Effect.andThen(renewing, Effect.never), renewInterval)).pipe(
      Effect.onExit((exit) =>
        Exit.isSuccess(exit)
          ? Effect.void
          : // The thread may be in the middle of it. A failure keeps the claim until it ends: trying at once would fail again.
            Effect.andThen(
              RcRef.invalidate(threads),
              Exit.hasInterrupts(exit) ? Effect.ignore(tabulations.release(claim)) : Effect.void
            )
      )
    )
    return claim.poll
  })
})

/** Tabulates ranked polls as their tallies change, as long as the process lives. */
export const layerTabulating: Layer.Layer<never, never, Ledger | Tabulations | Announcements> = Layer.effectDiscard(
  Effect.gen(function* () {
    const tabulateNext = yield* makeTabulating
    const { migrated } = yield* Ledger
    const { isBehind } = yield* Tabulations
    // One after another, as long as there are some.
    const all = Effect.repeat(tabulateNext, { until: (poll) => poll === undefined })
    const turn = all.pipe(
      Effect.map(isBehind),
      Effect.catchTags({
        // The pool tells of an outage of the database.
        OutOfService: (error) => Effect.logDebug(error.message),
        // That has been told, with the poll.
        TabulationFailed: () => Effect.void
      }),
      Effect.catchCause((cause) => Effect.logError("Ranked polls can't be tabulated", cause))
    )
    yield* Effect.forkScoped(Effect.andThen(migrated, takeTurns(turn, turns)))
  })
)
