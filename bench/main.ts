import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Effect, Redacted } from "effect"
import { startEmbedded } from "../src/layers/embedded/Embedded.ts"
import type { Bench, Row } from "./harness.ts"
import { start } from "./start.ts"
import { viewersBench } from "./viewers.ts"

const benches: ReadonlyArray<Bench> = [start, viewersBench]

const usage = `Usage: script/bench [name …] [--rounds N] [--json]

${benches.map(({ about, name }) => `  ${name.padEnd(10)} ${about}`).join("\n")}
`

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "7" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  }
})

const table = (bench: Bench, rows: ReadonlyArray<Row>): string =>
  [
    `\n${bench.name}: ${bench.about}`,
    ...rows.map(
      ({ against, ratio, unit, value, what }) =>
        `  ${what.padEnd(24)} ${value.toLocaleString("en").padStart(12)} ${unit.padEnd(10)} ${ratio.toFixed(2).padStart(7)} x ${against}`
    )
  ].join("\n")

/** Redis and PostgreSQL of this run's own, unless the environment names some. */
const servers = Effect.gen(function* () {
  const { DATABASE_URL, REDIS_URL } = process.env
  const dataDir = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "tallykeep-bench-"))),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
  )
  const embedded = yield* startEmbedded({
    dataDir,
    redis: REDIS_URL === undefined,
    postgres: DATABASE_URL === undefined
  })
  return {
    ...process.env,
    REDIS_URL: embedded.redisUrl === undefined ? REDIS_URL : Redacted.value(embedded.redisUrl),
    DATABASE_URL: embedded.databaseUrl === undefined ? DATABASE_URL : Redacted.value(embedded.databaseUrl)
  }
})

const main = Effect.gen(function* () {
  const env = yield* servers
  const chosen = positionals.length === 0 ? benches : benches.filter(({ name }) => positionals.includes(name))
  for (const bench of chosen) {
    const rows = yield* Effect.promise(() =>
      bench.run({
        env,
        rounds: Number(values.rounds),
        progress: (text) => process.stderr.write(`${bench.name}: ${text}\n`)
      })
    )
    console.log(values.json ? JSON.stringify({ bench: bench.name, rows }) : table(bench, rows))
  }
})

const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name))
if (values.help || unknown.length > 0) {
  console.error(unknown.length > 0 ? `No such benchmark: ${unknown.join(", ")}\n\n${usage}` : usage)
  process.exitCode = unknown.length > 0 ? 1 : 0
} else {
  await Effect.runPromise(Effect.scoped(main))
}
