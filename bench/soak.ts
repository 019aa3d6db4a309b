import { readdir } from "node:fs/promises"
import { parseArgs } from "node:util"
import { Effect, Redacted, Schedule, Schema } from "effect"
import { Redis } from "ioredis"
import { startEmbedded } from "../src/embedded/Embedded.ts"
import { dataFolder, removeLeftovers } from "../test/support/dataFolder.ts"
import { startLoad } from "../test/support/load.ts"
import { launchProgram, startApi, startConsumer } from "../test/support/processes.ts"
import { residentOf } from "./support/cpu.ts"

/*
 * A long run under steady load: does anything grow, and is each vote counted once? Prints a line a minute. Exits with 1
 * if a vote was not accepted or not counted, or if a figure of the last minute is more than a tenth above the most of the
 * first five: caches and pools fill up by then, and resident memory is high or low by a third with what V8 has just
 * collected, so one minute alone says little.
 */

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    rate: { type: "string", default: "1000" },
    help: { type: "boolean", default: false }
  }
})

const minutes = Number(values.minutes)
const rate = Number(values.rate)
const connections = 64
const settledAt = 5
const allowed = 1.1

/** What the audit says that matters here. */
const Books = Schema.fromJsonString(
  Schema.Struct({
    ok: Schema.Boolean,
    appended: Schema.Int,
    ledger_rows: Schema.Struct({ counted: Schema.Int }),
    duplicate_entries: Schema.Int
  })
)

const descriptorsOf = async (pid: number): Promise<number> => (await readdir(`/proc/${pid}/fd`)).length

const soak = Effect.gen(function* () {
  yield* removeLeftovers
  const dataDir = yield* dataFolder
  const servers = yield* startEmbedded({ dataDir, redis: true, postgres: true })
  if (servers.redisUrl === undefined || servers.databaseUrl === undefined) return 1
  const env = {
    REDIS_URL: Redacted.value(servers.redisUrl),
    DATABASE_URL: Redacted.value(servers.databaseUrl),
    RATE_LIMIT: "off"
  }
  const api = yield* startApi("api", { env })
  const consumer = yield* startConsumer({ env })
  const redis = new Redis(env.REDIS_URL)
  yield* Effect.addFinalizer(() => Effect.sync(() => redis.disconnect()))
  const load = yield* startLoad({ url: () => api.url, connections, pace: (connections * 1000) / rate })

  const measure = Effect.promise(async () => ({
    redis: Number(/^used_memory:(\d+)/m.exec(await redis.info("memory"))?.[1]) / 2 ** 20,
    api: residentOf(api.pid),
    consumer: residentOf(consumer.pid),
    descriptors: (await descriptorsOf(api.pid)) + (await descriptorsOf(consumer.pid))
  }))
  type Figures = Effect.Success<typeof measure>

  const history: Array<Figures> = []
  console.log("minute  accepted    per s   Redis MB   api MB   consumer MB   descriptors   stream entries")
  for (let minute = 1; minute <= minutes; minute++) {
    const before = load.receipts.length
    yield* Effect.sleep("1 minute")
    const now = yield* measure
    history.push(now)
    const length = yield* Effect.promise(() => redis.xlen("votes"))
    const accepted = load.receipts.length
    console.log(
      `${String(minute).padStart(6)}  ${String(accepted).padStart(8)}  ${String(Math.round((accepted - before) / 60)).padStart(7)}` +
        `  ${now.redis.toFixed(1).padStart(9)}  ${now.api.toFixed(1).padStart(7)}  ${now.consumer.toFixed(1).padStart(12)}` +
        `  ${String(now.descriptors).padStart(12)}  ${String(length).padStart(15)}`
    )
  }
  yield* load.stop
  const votes = load.receipts.length
  // The last ones are counted a moment later.
  const booksAreRight = yield* launchProgram(["audit", "--json"], { env }).pipe(
    Effect.flatMap((audit) => Effect.as(audit.ended, audit)),
    Effect.flatMap((audit) => Schema.decodeUnknownEffect(Books)(audit.stdout())),
    Effect.filterOrFail(
      ({ appended, duplicate_entries, ledger_rows, ok }) =>
        ok && appended === votes && ledger_rows.counted === votes && duplicate_entries === 0
    ),
    Effect.retry({ schedule: Schedule.spaced("1 second"), times: 10 }),
    Effect.as(true),
    Effect.orElseSucceed(() => false)
  )
  console.log(booksAreRight ? `Each of ${votes} votes is counted once.` : `NOT each of ${votes} votes is counted once.`)
  const other = Object.entries(load.outcomes).filter(([outcome]) => outcome !== "201")
  for (const [outcome, count] of other) console.log(`${count} requests ended with: ${outcome}`)
  const last = history.at(-1)
  if (last === undefined || history.length <= settledAt) return other.length === 0 && booksAreRight ? 0 : 1
  const mostBefore = (name: keyof Figures) => Math.max(...history.slice(0, settledAt).map((figures) => figures[name]))
  const grown = (Object.keys(last) as Array<keyof Figures>).filter((name) => last[name] > mostBefore(name) * allowed)
  console.log(
    grown.length === 0 ? `Flat since minute ${settledAt}.` : `GROWN since minute ${settledAt}: ${grown.join(", ")}`
  )
  return grown.length + other.length === 0 && booksAreRight ? 0 : 1
})

if (values.help) console.log("Usage: script/soak [--minutes 30] [--rate 1000]   votes a second; Linux only")
else process.exit(await Effect.runPromise(Effect.scoped(soak)))
