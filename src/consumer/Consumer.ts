import { Deferred, Effect, type Option, Schedule, type Semaphore } from "effect"
import { failpoint, stallpoint } from "../Failpoint.ts"
import { countTimeout, type Ledger } from "../ledger/Ledger.ts"
import { remedyOf } from "../ledger/SqlFailure.ts"
import type { Announcements } from "../stream/Announcements.ts"
import type { Liveness } from "../stream/Liveness.ts"
import type { OutageLog } from "../stream/Outage.ts"
import type { Connection } from "../stream/Redis.ts"
import { command, commandTimeout } from "../stream/Redis.ts"
import type { Fence } from "../stream/ReplicatedWrites.ts"
import type { Shard } from "../stream/Shards.ts"
import { traceBatch } from "./BatchTrace.ts"
import type { PlainReadLog } from "./bytes/FastRead.ts"
import type { ConsumerSettings } from "./ConsumerSettings.ts"
import type { CountMetrics } from "./CountMetrics.ts"
import type { EntryBatch } from "./EntryBatch.ts"
import { leave } from "./GiveBack.ts"
import type { Pace } from "./Pace.ts"
import { blockGrace, ensureGroup, makeReader, type Position } from "./Reader.ts"
import { recordBatch } from "./RecordBatch.ts"

/** What the consumers of a shard have in common. */
export interface ConsumerParts {
  readonly shard: Shard
  readonly group: string
  /** Whether votes carry their trace along. */
  readonly tracing: boolean
  readonly settings: ConsumerSettings["Service"]
  readonly fence: Fence
  readonly ledger: Ledger["Service"]
  readonly announcements: Announcements["Service"]
  readonly liveness: Liveness["Service"]
  readonly metrics: CountMetrics
  readonly plainRead: PlainReadLog
  /** When the consumers of the shard read. */
  readonly pace: Pace
  /** One for each batch that may be counted at once; those who wait get theirs in order. */
  readonly permits: Semaphore.Semaphore
  /** One for each large batch of the shard that may be counted at once. */
  readonly turns: Semaphore.Semaphore
  /** Completed when the pool has to stop. */
  readonly stop: Deferred.Deferred<void>
  /** Log outages of Redis, met while reading, and of Redis or PostgreSQL, met while counting. */
  readonly reading: OutageLog
  readonly counting: OutageLog
}

/** How long to wait between tries while Redis or PostgreSQL is away. */
const backoff = Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("1 second")]).pipe(Schedule.jittered)

/** How long to wait before reading again from a connection that has failed. */
const readPause = "200 millis"

/** From so many entries on, a batch is large. */
const largeBatch = 1_000

/** Where a consumer begins, and begins again after a failure: with the entries that it was given and has not acked. */
const ownPending: Position = { pendingAfter: "0" }

/** Waits until a connection is ready. */
const isReady = (connection: Connection): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (connection.status === "ready") return resume(Effect.void)
    const onReady = () => resume(Effect.void)
    connection.once("ready", onReady)
    return Effect.sync(() => connection.off("ready", onReady))
  })

/** Returns the same ledger, with a step taken before each question that counting asks it. */
const stepping = (ledger: Ledger["Service"], step: Effect.Effect<void>): Ledger["Service"] => ({
  ...ledger,
  count: (votes) => Effect.andThen(step, ledger.count(votes)),
  bury: (entries) => Effect.andThen(step, ledger.bury(entries))
})

/**
 * Runs one consumer, which reads a batch from `connection`, brings it into the ledger and acks it, until the pool stops. An
 * interruption never drops an entry that was handed out: each step is finished, or the entry stays pending.
 */
export const runConsumer = Effect.fnUntraced(function* (name: string, connection: Connection, parts: ConsumerParts) {
  const { announcements, counting, group, liveness, metrics, pace } = parts
  const { permits, plainRead, reading, shard, stop, tracing, turns } = parts
  const { stream } = shard
  const { batchSize, blockMs, claimIdleMs, fastRead, maxRetries } = parts.settings
  const step = (ms: number) => Effect.sync(() => liveness.step(name, ms))
  const ledger = stepping(parts.ledger, step(countTimeout))
  const fence = parts.fence(shard, connection)
  const reader = makeReader(
    connection,
    { stream, group, consumer: name, batchSize, blockMs, fastRead, fence },
    plainRead
  )
  const untilStop = <A, E>(effect: Effect.Effect<A, E>) => Effect.raceFirst(effect, Deferred.await(stop))
  /** Waits for a turn. A pool that stops waits for none: while the database does not answer, one after the other takes too long. */
  const inTurn = <A, E>(turns: Semaphore.Semaphore, effect: Effect.Effect<A, E>) =>
    Effect.flatMap(untilStop(turns.take(1)), (taken) =>
      taken === undefined ? effect : Effect.ensuring(effect, turns.release(1))
    )

  const recordUntraced = Effect.fnUntraced(function* (batch: EntryBatch) {
    // Waiting for a turn takes as long as the turns of the other consumers.
    yield* Effect.sync(() => liveness.rest(name))
    const counted = inTurn(permits, recordBatch(ledger, shard.client, { stream, group, maxRetries }, batch))
    const outcome = yield* batch.ids.length < largeBatch ? counted : inTurn(turns, counted)
    yield* step(commandTimeout)
    failpoint("after-commit")
    yield* stallpoint
    const ack = command(() => shard.client.xack(stream, group, ...batch.ids))
    const news = announcements.announce("tally", ...outcome.polls.keys())
    // Sent together, they are one write to the socket.
    yield* Effect.all([ack, news], { concurrency: "unbounded", discard: true })
    metrics.lost(outcome.lost)
    yield* counting.up
    yield* Effect.logDebug(`Counted ${outcome.counted} votes, ${outcome.dead} dead`)
    return outcome
  })
  const record = tracing
    ? (batch: EntryBatch) => traceBatch(shard, group, batch)(recordUntraced(batch))
    : recordUntraced

  /** Counts a batch, retrying through an outage. Once the pool stops, a try that fails is the last: entries stay pending. */
  const finish = (batch: EntryBatch) =>
    record(batch).pipe(
      Effect.tapError((error) =>
        counting.down("count", error.message, error.part === "database" ? remedyOf(error) : undefined)
      ),
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
    const wait = position === "new" ? pace.next() : 0
    if (wait > 0) {
      yield* Effect.sync(() => liveness.rest(name))
      yield* untilStop(Effect.sleep(wait))
      if (yield* Deferred.isDone(stop)) break
    }
    yield* step(blockMs + blockGrace)
    const read: Option.Option<EntryBatch> = yield* Effect.option(
      reader.read(position).pipe(
        Effect.tapError((error) => reading.down("read", error.message)),
        Effect.tapError(() => untilStop(Effect.sleep(readPause)))
      )
    )
    if (read._tag === "None") {
      // Entries that were on their way when the connection broke are pending now.
      position = ownPending
      continue
    }
    yield* reading.up
    const ids: ReadonlyArray<string> = read.value.ids
    const last = ids.at(-1)
    if (position === "new") pace.read(ids.length)
    if (last === undefined) {
      position = "new"
      continue
    }
    const outcome = yield* finish(read.value)
    if (position !== "new") {
      for (const [poll, votes] of outcome?.polls ?? []) metrics.redelivered(poll, votes)
      position = { pendingAfter: last }
    }
  }
  yield* Effect.sync(() => liveness.rest(name))
  yield* leave(shard, { group, consumer: name, claimIdleMs }, announcements)
})
