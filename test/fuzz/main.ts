// A fuzz run: script/fuzz [--requests N] [--seed S] [--only N]
import { randomInt } from "node:crypto"
import { parseArgs } from "node:util"
import { Effect, Redacted } from "effect"
import { startEmbedded } from "../../src/embedded/Embedded.ts"
import { dataFolder, removeLeftovers } from "../support/dataFolder.ts"
import { fuzz } from "./fuzz.ts"

const usage = `Usage: script/fuzz [--requests 100000] [--seed S] [--only N]

Sends requests of all kinds, most of them wrong in some way, to an API in production, with its own bounds, a consumer, Redis and
PostgreSQL. Exit code 0: each answer was one that a client may get, each accepted vote is counted exactly once, the event loop
never stopped for more than 200 ms, and memory stayed below the chart's limit. Linux only.

  --seed S   repeat the requests of a run
  --only N   send the exchange of this number alone`

const readOptions = () => {
  const options = {
    requests: { type: "string", default: "100000" },
    seed: { type: "string", default: `${randomInt(1_000_000)}` },
    only: { type: "string" },
    help: { type: "boolean", default: false }
  } as const
  const { values } = parseArgs({ options })
  const read = { requests: Number(values.requests), seed: Number(values.seed) }
  const only = values.only === undefined ? undefined : Number(values.only)
  if (![...Object.values(read), only ?? 0].every(Number.isSafeInteger)) {
    throw new Error("--requests, --seed and --only want numbers")
  }
  return { ...read, only, help: values.help }
}

const run = Effect.fnUntraced(function* (options: Omit<ReturnType<typeof readOptions>, "help">) {
  yield* removeLeftovers
  const servers = yield* startEmbedded({ dataDir: yield* dataFolder, redis: true, postgres: true })
  if (servers.redisUrl === undefined || servers.databaseUrl === undefined) return 1
  const urls = { redisUrl: Redacted.value(servers.redisUrl), databaseUrl: Redacted.value(servers.databaseUrl) }
  const { problems } = yield* fuzz({ ...urls, stream: "votes" }, { ...options, timed: true })
  return problems.length === 0 ? 0 : 1
}, Effect.scoped)

try {
  const { help, ...options } = readOptions()
  if (help) console.log(usage)
  else process.exit(await Effect.runPromise(run(options)))
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`)
  process.exit(64)
}
