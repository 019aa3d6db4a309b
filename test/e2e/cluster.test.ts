import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { RedisCluster } from "../support/cluster.ts"
import { makeDatabase } from "../support/databases.ts"
import { type Receipt, startLoad } from "../support/load.ts"
import { uniqueName } from "../support/names.ts"
import { launchProgram, startApi, startConsumer } from "../support/processes.ts"
import { within } from "../support/within.ts"
import { get, vote } from "./call.ts"
import { entriesDone, expectInLedger, patiently } from "./site.ts"

const shards = [0, 1, 2, 3]

/** Makes four streams in the cluster and a database, for the programs of one test and for the test itself. */
const makeClusterSite = Effect.gen(function* () {
  const cluster = yield* RedisCluster
  const databaseUrl = yield* makeDatabase
  const name = uniqueName("votes")
  const database = yield* Layer.build(PgClient.layer({ url: databaseUrl, maxConnections: 2 }))
  return {
    env: {
      REDIS_URL: Redacted.value(cluster.url),
      DATABASE_URL: Redacted.value(databaseUrl),
      STREAM_NAME: name,
      STREAM_SHARDS: `${shards.length}`,
      CLAIM_IDLE_MS: "1000",
      BLOCK_MS: "60000"
    },
    streams: shards.map((shard) => {
      const stream = `${name}:{${shard}}`
      return { stream, node: cluster.nodeOf(stream) }
    }),
    sql: Context.get(database, SqlClient.SqlClient)
  }
})
type ClusterSite = Effect.Success<typeof makeClusterSite>

const untilRedisIs = (url: string, redis: "connected" | "degraded") =>
  patiently(
    Effect.gen(function* () {
      const { body, status } = yield* get(`${url}/ready`)
      assert.deepInclude(body, { status: "ready", redis })
      assert.strictEqual(status, 200)
    })
  )

/** Waits until everything that was ever appended is counted, each vote once; returns how many votes that are. */
const expectAllCounted = Effect.fnUntraced(function* (site: ClusterSite, receipts: ReadonlyArray<Receipt>) {
  const added = yield* patiently(
    Effect.forEach(site.streams, ({ node, stream }) => entriesDone({ redis: node.redis, stream }))
  )
  const votes = added.reduce((sum, entries) => sum + entries, 0)
  return yield* expectInLedger(site.sql, votes, receipts)
})

/** Votes without a key, and asserts that they are answered soon; returns the receipts of the others. */
const castProbes = Effect.fnUntraced(function* (url: string, votes: number) {
  const answers = yield* Effect.forEach(Array.from({ length: votes }), () => within(5_000, vote(url, "cats")), {
    concurrency: 5
  })
  const refused = answers.filter(({ status }) => status !== 201)
  for (const { body, headers, status } of refused) {
    assert.deepStrictEqual([status, body.detail], [503, "Voting service temporarily unavailable"])
    assert.match(headers["retry-after"] ?? "", /^\d+$/)
  }
  const receipts = answers.flatMap(({ body, status }) =>
    status === 201 ? [{ voteId: `${body.vote_id}`, streamId: `${body.stream_id}` }] : []
  )
  return { receipts, refused: refused.length }
})

const expectReceipt = (url: string, { streamId, voteId }: Receipt, status: string) =>
  patiently(
    Effect.map(get(`${url}/api/votes/${voteId}?stream_id=${streamId}`), (answer) =>
      assert.deepInclude(answer.body, { vote_id: voteId, status })
    )
  )

layer(RedisCluster.layer, { excludeTestServices: true })("with a Redis Cluster", (it) => {
  it.effect("each of many votes is counted once while a node is killed and comes back", () =>
    Effect.gen(function* () {
      const site = yield* makeClusterSite
      const { env } = site
      const [{ url }, ...consumers] = yield* Effect.all(
        [startApi("api", { env }), startConsumer({ env }), startConsumer({ env })],
        { concurrency: "unbounded" }
      )
      yield* untilRedisIs(url, "connected")
      // From before the crash until after the return.
      const load = yield* startLoad({ url: () => url, connections: 32, pace: 20, retry: true })
      const moreVotes = Effect.suspend(() => {
        const wanted = load.receipts.length + 500
        return patiently(Effect.sync(() => assert.isAtLeast(load.receipts.length, wanted)))
      })
      yield* moreVotes

      const victim = site.streams[1]?.node
      if (victim === undefined) return assert.fail()
      yield* victim.crash
      yield* untilRedisIs(url, "degraded")
      const probes = yield* castProbes(url, 60)
      assert.isAbove(probes.refused, 0)
      assert.isAbove(probes.receipts.length, 0)
      // The other shards are counted meanwhile.
      yield* Effect.forEach(probes.receipts, (receipt) => expectReceipt(url, receipt, "counted"))
      yield* victim.start
      yield* untilRedisIs(url, "connected")
      yield* moreVotes
      yield* load.finish

      assert.hasAllKeys(load.outcomes, ["201", "503"])
      const receipts = [...load.receipts, ...probes.receipts]
      assert.strictEqual(new Set(receipts.map(({ voteId }) => voteId)).size, receipts.length)
      assert.strictEqual(yield* expectAllCounted(site, receipts), receipts.length)
      for (const receipt of receipts.slice(-20)) yield* expectReceipt(url, receipt, "counted")

      const audit = yield* launchProgram(["audit", "--json"], { env })
      assert.strictEqual((yield* audit.ended).code, 0, audit.stdout() + audit.stderr())
      assert.deepInclude(JSON.parse(audit.stdout()), {
        ok: true,
        appended: receipts.length,
        ledger_rows: { counted: receipts.length },
        duplicate_entries: 0,
        pending: 0,
        missing: 0
      })
      yield* patiently(
        Effect.forEach(site.streams, ({ node, stream }) =>
          Effect.map(
            Effect.promise(() => node.redis.xlen(stream)),
            (length) => assert.isBelow(length, 200)
          )
        )
      )
      for (const consumer of consumers) consumer.signal("SIGTERM")
      for (const consumer of consumers) {
        assert.deepStrictEqual(yield* within(2_000, consumer.ended), { code: 0, signal: null })
      }
    })
  )

  it.effect("a node that hangs holds up neither the votes of the others nor their counting", () =>
    Effect.gen(function* () {
      const site = yield* makeClusterSite
      const { env } = site
      const [{ url }] = yield* Effect.all([startApi("api", { env }), startConsumer({ env })], {
        concurrency: "unbounded"
      })
      yield* untilRedisIs(url, "connected")
      const first = yield* castProbes(url, 20)
      assert.strictEqual(first.refused, 0)
      const victim = site.streams[3]?.node
      if (victim === undefined) return assert.fail()
      yield* victim.freeze
      yield* untilRedisIs(url, "degraded")
      // So many that some are for the node's stream, by their ids.
      const during = yield* castProbes(url, 40)
      assert.isAbove(during.refused, 0)
      assert.isAbove(during.receipts.length, 0)
      yield* Effect.forEach(during.receipts, (receipt) => expectReceipt(url, receipt, "counted"))
      yield* victim.thaw
      yield* untilRedisIs(url, "connected")
      const last = yield* castProbes(url, 20)
      assert.strictEqual(last.refused, 0)
      const receipts = [first, during, last].flatMap((probes) => probes.receipts)
      // The node may have taken, when it went on, what it was sent while it hung.
      const counted = yield* expectAllCounted(site, receipts)
      assert.isAtMost(counted - receipts.length, during.refused)
    })
  )
})
