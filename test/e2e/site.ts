import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Result, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { Redis } from "ioredis"
import { makeDatabase } from "../support/databases.ts"
import type { Receipt } from "../support/load.ts"
import { uniqueName } from "../support/names.ts"
import { redisUrl } from "../support/servers.ts"
import { get } from "./call.ts"

type Url = Redacted.Redacted<string>

/** A stream and a database for the programs of one test, and the test's own connections to them. */
export interface Site {
  /** For the programs. */
  readonly env: Readonly<Record<string, string>>
  readonly stream: string
  readonly redis: Redis
  readonly sql: SqlClient.SqlClient
}

/** Makes a site on the servers that all tests share, or on the given ones. */
export const makeSite = Effect.fnUntraced(function* (
  own: { readonly redisUrl?: Url; readonly databaseUrl?: Url } = {}
) {
  const urls = { redis: own.redisUrl ?? redisUrl(), database: own.databaseUrl ?? (yield* makeDatabase) }
  const stream = uniqueName("votes")
  const redis = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const client = new Redis(Redacted.value(urls.redis), { retryStrategy: () => 50 })
      // Some tests stop the server.
      client.on("error", () => undefined)
      return client
    }),
    (client) =>
      Effect.promise(async () => {
        if (own.redisUrl === undefined) await client.del(stream, `${stream}:trimmed`)
        client.disconnect()
      })
  )
  const database = yield* Layer.build(PgClient.layer({ url: urls.database, maxConnections: 2 }))
  const env = {
    REDIS_URL: Redacted.value(urls.redis),
    DATABASE_URL: Redacted.value(urls.database),
    STREAM_NAME: stream
  }
  return { env, stream, redis, sql: Context.get(database, SqlClient.SqlClient) } satisfies Site
})

/** Tries until it succeeds, for 20 s or more: whole processes start and recover meanwhile. */
export const patiently = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.catchDefect((defect) => Effect.fail(defect)),
    Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 400 })
  )

const record = (flat: ReadonlyArray<unknown>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(flat.flatMap((name, index) => (index % 2 === 0 ? [[String(name), flat[index + 1]]] : [])))

/** Returns how many entries consumers were given and have not acked; 0 before there is a group. */
export const entriesInHand = ({ redis, stream }: Site) =>
  Effect.promise(async () => {
    const groups = (await redis.xinfo("GROUPS", stream)) as ReadonlyArray<ReadonlyArray<unknown>>
    return groups.reduce((sum, group) => sum + Number(record(group).pending), 0)
  }).pipe(Effect.catchDefect(() => Effect.succeed(0)))

/** Asserts that every entry of the stream was delivered and acked; returns how many there ever were. */
export const entriesDone = ({ redis, stream }: Pick<Site, "redis" | "stream">) =>
  Effect.promise(async () => {
    const info = record((await redis.xinfo("STREAM", stream)) as ReadonlyArray<unknown>)
    const groups = (await redis.xinfo("GROUPS", stream)) as ReadonlyArray<ReadonlyArray<unknown>>
    const [group] = groups.map(record)
    // The last id may be ahead of the last entry.
    assert.deepStrictEqual(await redis.xrange(stream, `(${group?.["last-delivered-id"]}`, "+", "COUNT", 1), [])
    assert.strictEqual(group?.pending, 0)
    return Number(info["entries-added"])
  })

/**
 * Waits until everything that was ever appended is counted, and asserts that nothing was counted twice and nothing is
 * missing. Returns how many votes that are: a vote without an answer may be among them, one with a receipt must be.
 */
export const expectCounted = Effect.fnUntraced(function* (site: Site, receipts: ReadonlyArray<Receipt>) {
  return yield* expectInLedger(site.sql, yield* patiently(entriesDone(site)), receipts)
})

/** Does the same for `added` entries that were all delivered and acked. */
export const expectInLedger = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  added: number,
  receipts: ReadonlyArray<Receipt>
) {
  const [totals] = yield* sql<{ rows: bigint; counted: bigint; duplicates: bigint; tally: bigint }>`select
    (select count(*) from vote_event) as rows,
    (select count(*) from vote_event where status = 'counted') as counted,
    (select count(*) from duplicate_entry) as duplicates,
    (select sum(count)::bigint from tally) as tally`
  const rows = BigInt(added) - (totals?.duplicates ?? 0n)
  assert.deepStrictEqual(totals, { rows, counted: rows, duplicates: totals?.duplicates ?? 0n, tally: rows })
  const [wrong] = yield* sql<{ options: bigint }>`select count(*) as options from tally t
    where t.count <> (select count(*) from vote_event v where v.poll = t.poll and v.choice = t.option)`
  assert.strictEqual(wrong?.options, 0n)

  const column = (of: (receipt: Receipt) => string) =>
    Result.getOrThrow(PgTypes.array(receipts.map(of), PgTypes.OID.text))
  const [found] = yield* sql<{ votes: bigint }>`select count(*) as votes
    from unnest(${column(({ voteId }) => voteId)}, ${column(({ streamId }) => streamId)}) as r (vote_id, entry)
    join vote_event v on v.vote_id = r.vote_id::uuid and v.accepted_ms || '-' || v.accepted_seq = r.entry`
  assert.strictEqual(Number(found?.votes), receipts.length, "every receipt is in the ledger, under its own entry")
  return Number(rows)
})

/**
 * Waits until the program says that it can do its work, or that it can't reach what is `away`; without a database that was
 * there before, an API takes votes.
 */
export const untilReady = (
  url: string,
  away: { readonly redis?: true; readonly database?: "since the start" | "by now" } = {}
) =>
  patiently(
    Effect.gen(function* () {
      const { body, status } = yield* get(`${url}/ready`)
      const ready = !away.redis && away.database !== "since the start"
      assert.strictEqual(status, ready ? 200 : 503)
      assert.deepInclude(body, {
        status: ready ? (away.database ? "degraded" : "ready") : "not ready",
        redis: away.redis ? "disconnected" : "connected",
        database: away.database ? "unavailable" : "connected"
      })
    })
  )
