import { Deferred, Effect, type Option, Schedule, type Semaphore } from "effect"
import { failpoint, stallpoint } from "../Failpoint.ts"
import { countTimeout, type Ledger } from "../ledger/Ledger.ts"
import type { Announcements } from "../stream/Announcements.ts"
import type { Liveness } from "../stream/Liveness.ts"
import type { OutageLog } from "../stream/Outage.ts"
import type { Connection } from "../stream/Redis.ts"
import { command, commandTimeout } from "../stream/Redis.ts"
import type { Shard } from "../stream/Shards.ts"
import type { StreamSettings } from "../stream/StreamSettings.ts"
import { traceBatch } from "../stream/Traces.ts"
import type { CountMetrics } from "./CountMetrics.ts"
import type { EntryBatch } from "./EntryBatch.ts"
import { blockGrace, ensureGroup, makeReader, type Position } from "./Reader.ts"
import { recordBatch } from "./RecordBatch.ts"

/** What the consumers of a shard have in common. */
export interface ConsumerParts {
  readonly shard: Shard
  readonly ledger: Ledger["Service"]
  readonly announcements: Announcements["Service"]
  readonly settings: StreamSettings["Service"]
  readonly liveness: Liveness["Service"]
  readonly metrics: CountMetrics
  /** As many batches are counted at once; those who wait have their turn in order. */
  readonly permits: Semaphore.Semaphore
  /**
   * Of a shard, one large batch at a time: the database has enough to do with it, and Redis is to have the time to hand out
   * the next. Together they take longer.
   */
  readonly turn: Semaphore.Semaphore
  /** Done when the pool is to stop. */
  readonly stop: Deferred.Deferred<void>
  /** Outages of Redis, met while reading, and of either, met while counting. */
  readonly reading: OutageLog
  readonly counting: OutageLog
}

/** Between tries while Redis or PostgreSQL is away. */
const backoff = Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("1 second")]).pipe(Schedule.jittered)

/** Before reading again from a connection that has failed. */
const readPause = "200 millis"

/**
 * A consumer that keeps up reads no sooner than this after its last read, in ms: what comes in meanwhile is one batch, and
 * costs the database hardly more than one vote.
 */
const pace = 5

/** From so many entries on, a batch is large. */
const large = 1_000

/** Where a consumer begins, and begins again after a failure: with what it was given and has not acked. */
const ownPending: Position = { pendingAfter: "0" }

const isReady = (connection: Connection): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (connection.status === "ready") return resume(Effect.void)
    const onReady = () => resume(Effect.void)
    connection.once("ready", onReady)
    return Effect.sync(() => connection.off("ready", onReady))
  })

/** The same ledger, which takes a step before each question that counting asks it. */
const stepping = (ledger: Ledger["Service"], step: Effect.Effect<void>): Ledger["Service"] => ({
  ...ledger,
  count: (votes) => Effect.andThen(step, ledger.count(votes)),
  bury: (entry) => Effect.andThen(step, ledger.bury(entry))
})

/**
 * One consumer: reads a batch from `connection`, brings it into the ledger, acks it, until the pool stops. An entry
 * that was handed out is never dropped by an interruption: each step is finished, or the entry stays pending.
 */
export const runConsumer = Effect.fnUntraced(function* (name: string, connection: Connection, parts: ConsumerParts) {
  const { announcements, counting, liveness, metrics, permits, reading, settings, shard, stop, turn } = parts
  const { stream } = shard
  const { blockMs, group } = settings
  const step = (ms: number) => Effect.sync(() => liveness.step(name, ms))
  const ledger = stepping(parts.ledger, step(countTimeout))
  const options = { ...settings, stream, consumer: name }
  const reader = makeReader(connection, options)
  const untilStop = <A, E>(effect: Effect.Effect<A, E>) => Effect.raceFirst(effect, Deferred.await(stop))

  const recordUntraced = Effect.fnUntraced(function* (batch: EntryBatch) {
    // Waiting for a turn can take as long as the others' turns.
    yield* Effect.sync(() => liveness.rest(name))
    // A pool that stops waits for no turns: where the database does not answer, they would take too long one by one.
    const taken = batch.ids.length < large ? undefined : yield* untilStop(turn.take(1))
    const counted = permits.withPermit(recordBatch(ledger, shard.client, options, batch))
    const outcome = yield* taken === undefined ? counted : Effect.ensuring(counted, turn.release(1))
    yield* step(commandTimeout)
    failpoint("after-commit")
    yield* stallpoint
    const ack = command(() => shard.client.xack(stream, group, ...batch.ids))
    const news = [...outcome.polls.keys()].map((poll) => announcements.announce("tally", poll))
    // Together, they are one write.
    yield* Effect.all([ack, ...news], { concurrency: "unbounded", discard: true })
    metrics.lost(outcome.lost)
    yield* counting.up
    yield* Effect.logDebug(`Counted ${outcome.counted} votes, ${outcome.dead} dead`)
    return outcome
  })
  const record = settings.tracing
    ? (batch: EntryBatch) => traceBatch(stream, batch)(recordUntraced(batch))
    : recordUntraced

  /** Retries through an outage; once the pool stops, the try under way is the last, and the rest stays pending. */
  const finish = (batch: EntryBatch) =>
    record(batch).pipe(
      Effect.tapError((error) => counting.down("count", error.message)),
      Effect.retry({ schedule: backoff, while: () => Effect.map(Deferred.isDone(stop), (stopped) => !stopped) }),
      Effect.catch(() =>
        Effect.as(Effect.logWarning(`${name} leaves ${batch.ids.length} votes to the next consumer`), undefined)
      )
    )

  yield* Effect.sync(() => liveness.rest(name))
  yield* untilStop(ledger.migrated)
  yield* untilStop(
    Effect.suspend(() => ensureGroup(shard.client, stream, group)).pipe(
      Effect.tapError((error) => reading.down("read", error.message)),
      Effect.retry(backoff)
    )
  )
  yield* untilStop(isReady(connection))
  let position: Position = ownPending
  while (!(yield* Deferred.isDone(stop))) {
    yield* step(blockMs + blockGrace)
    const read: Option.Option<EntryBatch> = yield* Effect.option(
      reader.read(position).pipe(
        Effect.tapError((error) => reading.down("read", error.message)),
        Effect.tapError(() => untilStop(Effect.sleep(readPause)))
      )
    )
    if (read._tag === "None") {
      // What was on its way when the connection broke is pending now.
      position = ownPending
      continue
    }
    yield* reading.up
    const readAt = performance.now()
    const ids: ReadonlyArray<string> = read.value.ids
    const last = ids.at(-1)
    if (last === undefined) {
      position = "new"
      continue
    }
    const outcome = yield* finish(read.value)
    if (position !== "new") {
      for (const [poll, votes] of outcome?.polls ?? []) metrics.redelivered(poll, votes)
      position = { pendingAfter: last }
    }
    const rest = readAt + pace - performance.now()
    if (rest > 0 && ids.length < settings.batchSize / 2) yield* untilStop(Effect.sleep(rest))
  }
  yield* Effect.sync(() => liveness.rest(name))
})
