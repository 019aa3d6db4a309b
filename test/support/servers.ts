import { Effect, Layer, Redacted, References, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { inject } from "vitest"
import { ConsumerSettings } from "../../src/consumer/ConsumerSettings.ts"
import { layerPostgres } from "../../src/layers/PostgresClient.ts"
import { layerRedis } from "../../src/layers/RedisClient.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { LogStore } from "../../src/ledger/LogStore.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import { PollStore } from "../../src/ledger/PollStore.ts"
import { Announcements } from "../../src/stream/Announcements.ts"
import { Liveness } from "../../src/stream/Liveness.ts"
import { command, Redis } from "../../src/stream/Redis.ts"
import { everyShard, Shards } from "../../src/stream/Shards.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { VoteStream } from "../../src/stream/VoteStream.ts"
import { makeDatabase } from "./databases.ts"
import { uniqueName } from "./names.ts"

export const redisUrl = () => Redacted.make(inject("redisUrl"))

/** The settings of the stream, and of those who count what is in it. */
export interface TestSettings extends Readonly<StreamSettings["Service"]>, Readonly<ConsumerSettings["Service"]> {}

export const testSettings = (overrides: Partial<TestSettings> = {}): TestSettings => ({
  stream: uniqueName("votes"),
  shards: 1,
  group: "vote-processors",
  consumer: "test",
  fibers: 2,
  batchSize: 100,
  blockMs: 500,
  countWithin: 50,
  maxRetries: 3,
  claimIdleMs: 30_000,
  streamRetention: { ms: 0, entries: 0 },
  fastRead: true,
  maxBacklog: 1_000_000,
  idempotencyTtl: 60_000,
  idempotencyMemory: undefined,
  appendReplicas: 0,
  tracing: false,
  ...overrides
})

/** Without log lines: tests say what they expect, and outages are expected here. */
export const quiet = Layer.succeed(References.MinimumLogLevel, "None")

/** Real Redis and PostgreSQL, with a database and a stream of the test's own, both gone with the scope. */
export const layerServers = (
  overrides: Partial<TestSettings> = {},
  database?: Redacted.Redacted,
  redis?: Redacted.Redacted
) => {
  const settings = testSettings(overrides)
  // The Redis that all tests share is there; what takes another wants to see it come and go.
  const connected = Layer.effectDiscard(
    redis === undefined
      ? Effect.flatMap(Redis, ({ clientOf }) =>
          Effect.orDie(eventually(command(() => clientOf(settings.stream).ping())))
        )
      : Effect.void
  )
  const cleanUp = Layer.effectDiscard(
    Effect.flatMap(Redis, (redis) =>
      Effect.addFinalizer(() =>
        // A node of a cluster can be away.
        Effect.forEach(
          everyShard(redis, settings.stream),
          ({ client, stream }) => Effect.ignore(command(() => client.del(stream))),
          { concurrency: "unbounded" }
        )
      )
    )
  )
  return Layer.mergeAll(
    VoteStream.layer,
    Ledger.layer,
    PollStore.layer,
    PollActs.layer,
    LogStore.layer,
    Announcements.layer,
    Liveness.layer,
    Shards.layer,
    cleanUp,
    connected
  ).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        layerRedis(redis ?? redisUrl(), { waits: settings.appendReplicas > 0 }),
        Layer.unwrap(
          Effect.map(database === undefined ? makeDatabase : Effect.succeed(database), (url) => layerPostgres(url, 5))
        ),
        Layer.succeed(StreamSettings, settings),
        Layer.succeed(ConsumerSettings, settings),
        quiet
      )
    )
  )
}

/** How many votes the ledger has of each status. */
export const statuses = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{
    status: string
    count: bigint
  }>`select status, count(*) as count from vote_event group by 1`
  return Object.fromEntries(rows.map(({ count, status }) => [status, Number(count)]))
})

/** Tries until it succeeds, for at most 10 s; a failed assertion is tried again like any failure. */
export const eventually = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | unknown, R> =>
  effect.pipe(
    Effect.catchDefect((defect) => Effect.fail(defect)),
    Effect.retry({ schedule: Schedule.spaced("20 millis"), times: 500 })
  )
