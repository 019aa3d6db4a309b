import { mkdirSync } from "node:fs"
import { request } from "node:http"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { queries } from "../../deploy/grafana/panels.ts"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { ownRedis } from "../e2e/ownServer.ts"
import { makeSite, patiently, type Site, untilReady } from "../e2e/site.ts"
import { createPollAt, pollsEnv } from "../e2e/voters.ts"
import { startLoad } from "../support/load.ts"
import { type Program, startApi, startConsumer } from "../support/processes.ts"
import { teaOrCoffee } from "../support/teaOrCoffee.ts"
import { alerts } from "./alerts.ts"
import { startPrometheus } from "./prometheus.ts"

const group = "vote-processors"
const aVote = ["v", "1", "vote_id", makeVoteId(), "poll", "cats-or-dogs", "option", "cats", "cast_at", "1"] as const

/** Returns the alerts' queries; where they look back ten minutes, five seconds must do here. */
const conditions = (...names: ReadonlyArray<string>) =>
  names.map((name) => {
    const { expr } = alerts.find(({ alert }) => alert === name) ?? assert.fail(`There is no ${name}`)
    return expr.replaceAll("10m", "5s")
  })

/** The dashboard's queries, as Grafana asks them for all processes. */
const dashboardQueries = queries.map((expr) =>
  expr.replaceAll(/\$(namespace|job|instance)\b/g, ".*").replaceAll("$__rate_interval", "1m")
)

/** Returns where a program's metrics are. */
const managementOf = (program: Program) =>
  Effect.map(program.says(/Health and metrics at http:\/\/([\d.:]+)/), ([, address = ""]) => address)

/** Leaves two votes of ten minutes ago with a consumer that is gone; one of them is then deleted. */
const leaveBehind = ({ redis, stream }: Site) =>
  Effect.promise(async () => {
    const old = Date.now() - 600_000
    await redis.xgroup("CREATE", stream, group, "0", "MKSTREAM")
    for (const id of [`${old}-0`, `${old}-1`]) await redis.xadd(stream, id, ...aVote)
    await redis.xreadgroup("GROUP", group, "ghost", "COUNT", 2, "STREAMS", stream, ">")
    await redis.xdel(stream, `${old}-1`)
  })

/** Configures Redis as it should not be: it neither writes each vote to disk nor keeps all of them. */
const loosen = ({ redis }: Site) =>
  Effect.promise(async () => {
    await redis.config("SET", "appendfsync", "everysec")
    await redis.config("SET", "maxmemory-policy", "allkeys-lru")
  })

/** Takes from Redis the disk and the memory that it needs: a folder is where its snapshot should be. */
const starve = ({ redis }: Site) =>
  Effect.promise(async () => {
    const [, folder = ""] = (await redis.config("GET", "dir")) as ReadonlyArray<string>
    mkdirSync(join(folder, "dump.rdb"))
    await redis.bgsave()
    const used = Number(/^used_memory:(\d+)/m.exec(await redis.info("memory"))?.[1])
    await redis.config("SET", "maxmemory", String(Math.ceil(used * 1.05)))
  })

/** Sends votes whose last byte comes late, so that their answers do, too. */
const voteSlowly = (url: string) =>
  Effect.promise(() =>
    Promise.all(
      Array.from({ length: 20 }, async () => {
        const headers = { "content-type": "application/json", "content-length": 17 }
        const sent = request(`${url}/api/vote`, { method: "POST", headers })
        const answered = new Promise((resolve) => sent.on("response", resolve).on("error", resolve))
        sent.write('{"option":"cats"')
        await sleep(1_500)
        sent.end("}")
        await answered
      })
    )
  )

/** Appends three votes of one voter, one of which counts, as from APIs that don't know of each other's yet. */
const voteThrice = Effect.fnUntraced(function* (url: string, { redis, stream }: Site, ballot: "once" | "changeable") {
  yield* createPollAt(url, { slug: ballot, ...teaOrCoffee, ballot, identity: "token" })
  yield* Effect.promise(async () => {
    for (let index = 0; index < 3; index++) {
      const fields = { v: "1", vote_id: makeVoteId(), poll: ballot, option: "tea", voter: "a-voter", cast_at: "1" }
      await redis.xadd(stream, "*", ...Object.entries(fields).flat())
    }
  })
})

/** Appends a vote that is there already, and an entry that is no vote. */
const addOddEntries = ({ redis, stream }: Site) =>
  Effect.promise(async () => {
    await redis.xadd(stream, "*", ...aVote)
    await redis.xadd(stream, "*", "v", "1", "nonsense", "1")
  })

/** Comes twice for live results where there is one place, and guesses the admin's token more often than once a second. */
const askTooMuch = (url: string) =>
  Effect.promise(async () => {
    const headers = { authorization: "Bearer a-guess", "content-type": "application/json" }
    for (let guesses = 0; guesses < 400; guesses++)
      await fetch(`${url}/api/polls`, { method: "POST", headers, body: "{}" })
    const leave = new AbortController()
    const watch = () => fetch(`${url}/api/results/stream`, { signal: leave.signal })
    const [first, second] = [await watch(), await watch()]
    leave.abort()
    assert.deepStrictEqual([first.status, second.status], [200, 503])
  })

/** Appends an entry with an id an hour ahead: the next ones go on from there. */
const stepAhead = ({ redis, stream }: Site) =>
  Effect.promise(() => redis.xadd(stream, `${Date.now() + 3_600_000}-0`, ...aVote))
/** Says of the idempotency keys that they hold a gibibyte of memory. */
const fillKeyMemory = ({ redis, stream }: Site) =>
  Effect.promise(() => redis.hset(`${stream}:key-memory`, String(Date.now() + 600_000), 2 ** 30))

/** Has Redis know of a log of the default poll that was longer than it is, and queues what has been waiting for an hour. */
const breakLogs = ({ redis, sql, stream }: Site) =>
  Effect.gen(function* () {
    const root = Buffer.alloc(32).toString("base64")
    const longer = `localhost/log\n1000000000\n${root}\n\n\u2014 localhost/log ${Buffer.alloc(68).toString("base64")}\n`
    yield* Effect.promise(() => redis.hset(`${stream}:log`, "cats-or-dogs/1", longer))
    yield* sql`insert into log_queue (kind, polls) values ('poll', '{cats-or-dogs}')`
    // What is first in the queue is what has waited longest.
    yield* sql`update log_queue set queued_at = queued_at - interval '1 hour'`
  })

/** Keeps everyone from writing into the logs. */
const holdLogs = ({ sql }: Site) =>
  Effect.gen(function* () {
    const held = yield* Deferred.make<void>()
    const hold = sql`select pg_advisory_xact_lock(7461111)`.pipe(
      Effect.andThen(Deferred.succeed(held, undefined)),
      Effect.andThen(Effect.never)
    )
    yield* Effect.forkScoped(sql.withTransaction(hold))
    yield* Deferred.await(held)
  })

describe("a real Prometheus", () => {
  it.live(
    "has data for every query of the dashboard, and for every alert when its time has come",
    () =>
      Effect.gen(function* () {
        const { query, untilAnswered, watch } = yield* startPrometheus
        const redis = yield* ownRedis
        const site = yield* makeSite({ redisUrl: redis.url })
        yield* leaveBehind(site)
        yield* loosen(site)
        yield* untilAnswered(conditions("TallykeepDown"))

        const env = {
          ...site.env,
          ...pollsEnv,
          MANAGEMENT_PORT: "0",
          BLOCK_MS: "100",
          MAX_BACKLOG: "500",
          MAX_VIEWERS: "1"
        }
        const api = yield* startApi("api", { env })
        const targets = [yield* managementOf(api)]
        yield* watch(targets)
        yield* untilReady(`http://${targets[0]}`)
        yield* Effect.forEach(["once", "changeable"] as const, (ballot) => voteThrice(api.url, site, ballot))
        // Nobody says of a poll that closed long ago that its votes are counted.
        yield* createPollAt(api.url, { slug: "counting", ...teaOrCoffee })
        yield* site.sql`update poll set closes_ms = 978307200000 where slug = 'counting'`
        // And nobody makes the rounds of one that has had votes since then.
        yield* createPollAt(api.url, { slug: "ranked", ...teaOrCoffee, kind: "ranked" })
        yield* site.sql`update poll set revision = 1, created_at = '2001-01-01' where slug = 'ranked'`
        yield* addOddEntries(site)
        // More and more votes wait, slowly at first.
        const load = yield* startLoad({ url: () => api.url, connections: 1, pace: 100 })
        yield* untilAnswered(['tallykeep_http_requests_total{route="/api/vote"} > 0'])
        yield* voteSlowly(api.url)
        yield* untilAnswered(
          conditions("TallykeepBacklogGrowing", "TallykeepOldestPending", "TallykeepNotDurable", "TallykeepEviction")
        )
        yield* untilAnswered(conditions("TallykeepNotFinal", "TallykeepTabulationDue"))
        yield* untilAnswered(conditions("TallykeepSlow"))
        // Then so fast that no more are taken.
        const flood = yield* startLoad({ url: () => api.url, connections: 4, pace: 2 })
        yield* untilAnswered(conditions("TallykeepBacklogFull", "TallykeepErrors", "TallykeepErrorsPersist"))
        yield* flood.stop
        // The consumer that is gone is no longer counted.
        yield* untilAnswered(conditions("TallykeepNoConsumer"))
        assert.lengthOf(yield* query(conditions("TallykeepDown")[0] ?? ""), 0)

        // Without a collector: the traces of its batches are lost, first when Prometheus has seen that none were.
        const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_BSP_SCHEDULE_DELAY: "10000" }
        const consumer = yield* startConsumer({ env: { ...env, ...traced, CLAIM_IDLE_MS: "1000" } })
        yield* watch([...targets, yield* managementOf(consumer)])
        yield* untilAnswered(conditions("TallykeepDeadLetters", "TallykeepVotesLost"))
        yield* askTooMuch(api.url)
        yield* untilAnswered(conditions("TallykeepAtCapacity", "TallykeepRefusals"))
        yield* untilAnswered(dashboardQueries)
        for (const [what, votes] of [
          ["rejected", 2],
          ["superseded", 2],
          ["duplicate", 1],
          ["dead", 1],
          ["lost", 1],
          ["redelivered", 1]
        ] as const) {
          const sum = `sum(tallykeep_votes_${what}_total)`
          yield* patiently(Effect.map(query(sum), ([found]) => assert.isAtLeast(Number(found?.value[1]), votes, what)))
        }
        for (const { query: expr } of conditions("TallykeepNoConsumer", "TallykeepBacklogFull").map((query) => ({
          query
        }))) {
          yield* patiently(Effect.map(query(expr), (samples) => assert.lengthOf(samples, 0)))
        }

        yield* stepAhead(site)
        yield* untilAnswered(conditions("TallykeepClocksApart", "TallykeepTracesLost"))
        // As after very many votes with a key each.
        yield* fillKeyMemory(site)
        yield* untilAnswered(conditions("TallykeepKeysBrief", "TallykeepKeysRefused"))

        yield* breakLogs(site)
        yield* untilAnswered(conditions("TallykeepLogRefused"))
        yield* holdLogs(site)
        yield* breakLogs(site)
        yield* untilAnswered(conditions("TallykeepLogBehind"))
        yield* load.stop
        yield* starve(site)
        yield* untilAnswered(conditions("TallykeepRedisMemory", "TallykeepRedisDisk"))
        yield* redis.crash
        yield* untilAnswered(conditions("TallykeepServerAway"))
      }),
    180_000
  )
})
