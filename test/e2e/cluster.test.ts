import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { RedisCluster } from "../support/cluster.ts"
import { type Receipt, startLoad } from "../support/load.ts"
import { launchProgram, startApi, startConsumer } from "../support/processes.ts"
import { makeDatabase, uniqueName } from "../support/servers.ts"
import { get, vote } from "./call.ts"
import { entriesDone, expectInLedger, patiently } from "./site.ts"

const many = 20_000
const shards = [0, 1, 2, 3]

/** Four streams in the cluster and a database, for the programs of one test, and its own way to look into them. */
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

/** Waits until all that was ever appended is counted, each vote once; gives how many votes that are. */
const expectAllCounted = Effect.fnUntraced(function* (site: ClusterSite, receipts: ReadonlyArray<Receipt>) {
  const added = yield* patiently(
    Effect.forEach(site.streams, ({ node, stream }) => entriesDone({ redis: node.redis, stream }))
  )
  const votes = added.reduce((sum, entries) => sum + entries, 0)
  return yield* expectInLedger(site.sql, votes, receipts)
})

/** Votes without a key: which of them are accepted, and that all others are refused at once. */
const castProbes = Effect.fnUntraced(function* (url: string, votes: number) {
  const answers = yield* Effect.forEach(
    Array.from({ length: votes }),
    () => {
      const start = performance.now()
      return Effect.map(vote(url, "cats"), (answer) => ({ ...answer, took: performance.now() - start }))
    },
    { concurrency: 5 }
  )
  const refused = answers.filter(({ status }) => status !== 201)
  for (const { body, headers, status, took } of refused) {
    assert.deepStrictEqual([status, body.detail], [503, "Voting service temporarily unavailable"])
    assert.match(headers["retry-after"] ?? "", /^\d+$/)
    assert.isBelow(took, 5_000)
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

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const start = performance.now()
    return Effect.map(effect, () => performance.now() - start)
  })

layer(RedisCluster.layer, { excludeTestServices: true, timeout: "60 seconds" })("with a Redis Cluster", (it) => {
  it.effect(
    "each of many votes is counted once while a node is killed and comes back",
    () =>
      Effect.gen(function* () {
        const site = yield* makeClusterSite
        const { env } = site
        const [{ url }, ...consumers] = yield* Effect.all(
          [startApi("api", { env }), startConsumer({ env }), startConsumer({ env })],
          { concurrency: "unbounded" }
        )
        yield* untilRedisIs(url, "connected")
        console.log("T1", Math.round(performance.now()), 'yield* untilRedisIs(url, "connected")')
        const load = yield* startLoad({ url: () => url, connections: 32, votes: many, retry: true })
        console.log("T2", Math.round(performance.now()), 'const load = yield* startLoad({ url: () => url, co')
        yield* patiently(Effect.sync(() => assert.isAtLeast(load.receipts.length, many / 4)))
        console.log("T3", Math.round(performance.now()), 'yield* patiently(Effect.sync(() => assert.isAtLeas')

        const victim = site.streams[1]?.node
        if (victim === undefined) return assert.fail()
        yield* victim.crash
        yield* untilRedisIs(url, "degraded")
        console.log("T4", Math.round(performance.now()), 'yield* untilRedisIs(url, "degraded")')
        const probes = yield* castProbes(url, 60)
        console.log("T5", Math.round(performance.now()), 'const probes = yield* castProbes(url, 60)')
        assert.isAbove(probes.refused, 0)
        console.log("T6", Math.round(performance.now()), 'assert.isAbove(probes.refused, 0)')
        assert.isAbove(probes.receipts.length, 0)
        console.log("T7", Math.round(performance.now()), 'assert.isAbove(probes.receipts.length, 0)')
        // The other shards are counted meanwhile.
        yield* Effect.forEach(probes.receipts, (receipt) => expectReceipt(url, receipt, "counted"))
        console.log("T8", Math.round(performance.now()), 'yield* Effect.forEach(probes.receipts, (receipt) =')
        yield* victim.start
        yield* untilRedisIs(url, "connected")
        console.log("T9", Math.round(performance.now()), 'yield* untilRedisIs(url, "connected")')
        yield* load.done

        assert.hasAllKeys(load.outcomes, ["201", "503"])
        console.log("T10", Math.round(performance.now()), 'assert.hasAllKeys(load.outcomes, ["201", "503"])')
        const receipts = [...load.receipts, ...probes.receipts]
        assert.strictEqual(new Set(receipts.map(({ voteId }) => voteId)).size, many + probes.receipts.length)
        console.log("T11", Math.round(performance.now()), 'assert.strictEqual(new Set(receipts.map(({ voteId ')
        assert.strictEqual(yield* expectAllCounted(site, receipts), receipts.length)
        console.log("T12", Math.round(performance.now()), 'assert.strictEqual(yield* expectAllCounted(site, r')
        for (const receipt of receipts.slice(-20)) yield* expectReceipt(url, receipt, "counted")

        const audit = yield* launchProgram(["audit", "--json"], { env })
        console.log("T13", Math.round(performance.now()), 'const audit = yield* launchProgram(["audit", "--js')
        assert.strictEqual((yield* audit.ended).code, 0, audit.stdout() + audit.stderr())
        console.log("T14", Math.round(performance.now()), 'assert.strictEqual((yield* audit.ended).code, 0, a')
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
          assert.isBelow(yield* timed(consumer.ended), 2_000)
          assert.deepStrictEqual(yield* consumer.ended, { code: 0, signal: null })
        }
      }),
    120_000
  )

  it.effect(
    "a node that hangs holds up neither the votes of the others nor their counting",
    () =>
      Effect.gen(function* () {
        const site = yield* makeClusterSite
        const { env } = site
        const [{ url }] = yield* Effect.all([startApi("api", { env }), startConsumer({ env })], {
          concurrency: "unbounded"
        })
        yield* untilRedisIs(url, "connected")
        console.log("T15", Math.round(performance.now()), 'yield* untilRedisIs(url, "connected")')
        const first = yield* castProbes(url, 40)
        console.log("T16", Math.round(performance.now()), 'const first = yield* castProbes(url, 40)')
        assert.strictEqual(first.refused, 0)
        console.log("T17", Math.round(performance.now()), 'assert.strictEqual(first.refused, 0)')
        const victim = site.streams[3]?.node
        if (victim === undefined) return assert.fail()
        yield* victim.freeze
        yield* untilRedisIs(url, "degraded")
        console.log("T18", Math.round(performance.now()), 'yield* untilRedisIs(url, "degraded")')
        const during = yield* castProbes(url, 40)
        console.log("T19", Math.round(performance.now()), 'const during = yield* castProbes(url, 40)')
        assert.isAbove(during.refused, 0)
        console.log("T20", Math.round(performance.now()), 'assert.isAbove(during.refused, 0)')
        assert.isAbove(during.receipts.length, 0)
        console.log("T21", Math.round(performance.now()), 'assert.isAbove(during.receipts.length, 0)')
        yield* Effect.forEach(during.receipts, (receipt) => expectReceipt(url, receipt, "counted"))
        console.log("T22", Math.round(performance.now()), 'yield* Effect.forEach(during.receipts, (receipt) =')
        yield* victim.thaw
        yield* untilRedisIs(url, "connected")
        console.log("T23", Math.round(performance.now()), 'yield* untilRedisIs(url, "connected")')
        const last = yield* castProbes(url, 40)
        console.log("T24", Math.round(performance.now()), 'const last = yield* castProbes(url, 40)')
        assert.strictEqual(last.refused, 0)
        console.log("T25", Math.round(performance.now()), 'assert.strictEqual(last.refused, 0)')
        const receipts = [first, during, last].flatMap((probes) => probes.receipts)
        console.log("T26", Math.round(performance.now()), 'const receipts = [first, during, last].flatMap((pr')
        // What the hanging node was sent it may have taken when it went on.
        const counted = yield* expectAllCounted(site, receipts)
        console.log("T27", Math.round(performance.now()), 'const counted = yield* expectAllCounted(site, rece')
        assert.isAtMost(counted - receipts.length, during.refused)
        console.log("T28", Math.round(performance.now()), 'assert.isAtMost(counted - receipts.length, during.')
      }),
    60_000
  )
})
