import { Clock, Effect, Layer, Schedule } from "effect"
import type { SqlClient } from "effect/sql"
import type { OutOfService } from "../domain/Problems.ts"
import { elapsedMs, onBeat } from "../Elapsed.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { LogHeads } from "../ledger/LogHeads.ts"
import { LogQueue } from "../ledger/LogQueue.ts"
import { LogStore } from "../ledger/LogStore.ts"
import type { PollActs } from "../ledger/PollActs.ts"
import { makeMeter } from "../Meter.ts"
import type { Announcements } from "../stream/Announcements.ts"
import { makeOutageLog } from "../stream/Outage.ts"
import type { Redis } from "../stream/Redis.ts"
import type { StreamSettings } from "../stream/StreamSettings.ts"
import { type Turns, takeTurns } from "../stream/Turns.ts"
import { LogSettings } from "./LogSettings.ts"
import { makeSequencing } from "./Sequencer.ts"
import { signingKey } from "./Signers.ts"
import { makeSigning, type Signed } from "./Signing.ts"

/** How often the queue is looked at, in ms, and heads are signed: a log is as old as both together. */
const turns: Turns = { topics: ["tally", "poll"], soonest: 200, latest: 1_000 }
const signInterval = 1_000
/** How long a poll waits for its log, in s, until one without keys takes it for a poll without. */
const keylessAge = 10

/** Says which logs can't go on, once each. */
const makeRefusalLog = () => {
  const told = new Set<string>()
  return (refused: Signed["refused"]) =>
    Effect.forEach(
      refused.filter(({ origin }) => !told.has(origin)),
      ({ origin, poll }) => {
        told.add(origin)
        return Effect.logError(
          `The public log ${origin} is not signed any more: the database does not lead on from what was signed before. ` +
            `If it was restored, begin another one with: log restart ${poll}`
        )
      },
      { discard: true }
    )
}

const writeLogs = Effect.fnUntraced(function* ({ host, keys }: LogSettings["Service"]) {
  const queue = yield* LogQueue
  const sequence = yield* makeSequencing(host, (added) => leaves(added))
  const sign = yield* makeSigning(keys.map(signingKey))
  const meter = yield* makeMeter
  const tellRefused = makeRefusalLog()
  const outage = makeOutageLog("Writing the public logs")
  let lag = 0
  let refusedNow = 0
  const clock = yield* Clock.Clock
  let signedAt = elapsedMs(clock)
  const leaves = meter.counter("tallykeep_log_leaves_total", "Leaves that entered public logs")
  const checkpoints = meter.counter("tallykeep_log_checkpoints_total", "Checkpoints of public logs that were signed")
  yield* meter.gauge("tallykeep_log_lag_seconds", "How long the oldest row waits to enter the public logs", () => lag)
  yield* meter.gauge(
    "tallykeep_log_refused",
    "Public logs that are not signed, since they do not lead on from what was signed before",
    () => refusedNow
  )
  yield* meter.gauge(
    "tallykeep_log_signing_age_seconds",
    "How long ago all public logs were signed that had to be",
    () => (elapsedMs(clock) - signedAt) / 1000
  )

  // One after another, as long as there is more. Looking first takes a fraction of what a turn does.
  const sequencing = queue.lag.pipe(
    Effect.tap((seconds) =>
      Effect.sync(() => {
        lag = seconds ?? 0
      })
    ),
    Effect.flatMap((seconds) => (seconds === undefined ? Effect.succeed(0) : sequence)),
    Effect.repeat({ until: (rows) => rows === 0 })
  )
  const signing = sign.pipe(
    Effect.tap(({ refused, signed }) =>
      Effect.sync(() => {
        refusedNow = refused.length
        signedAt = elapsedMs(clock)
        checkpoints(signed)
      })
    ),
    Effect.tap(({ refused }) => tellRefused(refused))
  )
  const careful = <A, E extends OutOfService>(work: Effect.Effect<A, E>) =>
    work.pipe(
      // The pool tells of an outage of the database.
      Effect.catch((error) =>
        error.part === "database" ? Effect.logDebug(error.message) : outage.down("sign the public logs", error.message)
      ),
      Effect.catchCause((cause) => Effect.logError("Writing the public logs has failed", cause)),
      Effect.asVoid
    )
  const all = [
    takeTurns(careful(sequencing), turns),
    Effect.repeat(careful(Effect.andThen(signing, outage.up)), onBeat(signInterval))
  ]
  yield* Effect.all(all, { concurrency: "unbounded", discard: true })
})

/** Without a key nobody could check a log: polls have none then. */
const turnLogsOff = Effect.fnUntraced(function* () {
  const queue = yield* LogQueue
  yield* Effect.logInfo("There are no public logs: LOG_KEY is not set")
  yield* queue
    .turnOff(keylessAge)
    .pipe(Effect.ignore, Effect.repeat(Schedule.spaced(`${keylessAge} seconds`).pipe(Schedule.jittered)))
})

/** Writes the public logs, and signs them, as long as the process lives. */
export const layerLogWriting: Layer.Layer<
  never,
  never,
  LogSettings | Ledger | PollActs | Redis | Announcements | StreamSettings | SqlClient.SqlClient
> = Layer.effectDiscard(
  Effect.gen(function* () {
    const settings = yield* LogSettings
    const { migrated } = yield* Ledger
    const work = settings.keys.length === 0 ? turnLogsOff() : writeLogs(settings)
    yield* Effect.forkScoped(Effect.andThen(migrated, work))
  })
).pipe(Layer.provide([LogQueue.layer, LogHeads.layer, LogStore.layer]))
