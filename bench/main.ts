import { availableParallelism, cpus } from "node:os"
import { parseArgs } from "node:util"
import { NodeRuntime } from "@effect/platform-node"
import { Effect } from "effect"
import { drain } from "./drain.ts"
import { endToEnd } from "./endToEnd.ts"
import { growth } from "./growth.ts"
import type { Bench, Row } from "./harness.ts"
import { ingest } from "./ingest.ts"
import { memory } from "./memory.ts"
import { quiet } from "./quiet.ts"
import { replicas } from "./replicas.ts"
import { results } from "./results.ts"
import { start } from "./start.ts"
import { servers } from "./support/servers.ts"
import { table } from "./table.ts"
import { viewersBench } from "./viewers.ts"

const benches: ReadonlyArray<Bench> = [
  ingest,
  replicas,
  drain,
  endToEnd,
  results,
  viewersBench,
  quiet,
  start,
  memory,
  growth
]

const usage = `Usage: script/bench [name …] [--rounds N] [--json] [--quick]

${benches.map(({ about, name }) => `  ${name.padEnd(10)} ${about}`).join("\n")}

  --rounds N  how often each side is measured, in turn; 5 without it
  --json      one line of JSON for each benchmark in place of the tables
  --quick     a look at whether they run: the figures mean nothing
`

const parse = () => {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string" },
      json: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      help: { type: "boolean", default: false }
    }
  })
  const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name))
  if (unknown.length > 0) throw new Error(`No such benchmark: ${unknown.join(", ")}`)
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5))
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds takes a whole number, not ${values.rounds}`)
  const chosen = positionals.length === 0 ? benches : benches.filter(({ name }) => positionals.includes(name))
  return { ...values, rounds, chosen }
}

const measure = ({ chosen, json, quick, rounds }: ReturnType<typeof parse>) =>
  Effect.gen(function* () {
    const env = yield* servers
    const tables: Array<string> = []
    for (const bench of chosen) {
      const progress = (text: string) => process.stderr.write(`${bench.name}: ${text}\n`)
      const rows: ReadonlyArray<Row> = yield* Effect.promise(() => bench.run({ env, rounds, quick, progress }))
      tables.push(json ? JSON.stringify({ bench: bench.name, rows }) : table(bench, rows, quick))
    }
    const machine = `${availableParallelism()} x ${cpus()[0]?.model.trim()}, Node ${process.version}, ${rounds} rounds`
    if (!json) tables.unshift(quick ? `${machine}: a quick look, the figures mean nothing` : machine)
    console.log(tables.join(json ? "\n" : "\n\n"))
  })

/** Undefined where the command line is wrong, and that has been said. */
const parsed = () => {
  try {
    return parse()
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`)
    process.exitCode = 1
    return undefined
  }
}

const options = parsed()
if (options?.help) console.log(usage)
// Ctrl-C stops the servers too.
else if (options !== undefined) NodeRuntime.runMain(Effect.scoped(measure(options)))
