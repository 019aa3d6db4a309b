import { availableParallelism, cpus } from "node:os"
import { parseArgs } from "node:util"
import { NodeRuntime } from "@effect/platform-node"
import { Effect } from "effect"
import { consumers } from "./consumers.ts"
import { desk } from "./desk.ts"
import { disk } from "./disk.ts"
import { drain } from "./drain.ts"
import { endToEnd } from "./endToEnd.ts"
import { growth } from "./growth.ts"
import type { Bench, Row } from "./harness.ts"
import { ingest } from "./ingest.ts"
import { many } from "./many.ts"
import { memory } from "./memory.ts"
import { pagesBench } from "./pages.ts"
import { quiet } from "./quiet.ts"
import { replicas } from "./replicas.ts"
import { results } from "./results.ts"
import { rounds } from "./rounds.ts"
import { start } from "./start.ts"
import { steady } from "./steady.ts"
import { servers } from "./support/servers.ts"
import { variants } from "./support/variants.ts"
import { table } from "./table.ts"
import { viewersBench } from "./viewers.ts"

const benches: ReadonlyArray<Bench> = [
  ingest,
  replicas,
  drain,
  many,
  consumers,
  endToEnd,
  steady,
  results,
  pagesBench,
  viewersBench,
  quiet,
  start,
  memory,
  growth,
  disk,
  rounds,
  desk
]

const usage = `Usage: script/bench [name …] [--rounds N] [--only NAME]… [--votes N] [--seconds N]
                    [--json] [--quick]

${benches.map(({ about, name }) => `  ${name.padEnd(10)} ${about}`).join("\n")}

  --rounds N  how often each side is measured, in turn; 5 without it
  --only NAME a variant of drain to measure, in place of all; may come several times:
              ${variants.map(({ name }) => name).join(", ")}
  --votes N   how many votes wait in drain, many and consumers; 500,000 without it; in disk 200,000
  --seconds N how long each load of steady lasts; 20 without it
  --json      one line of JSON for each benchmark in place of the tables
  --quick     a look at whether they run: the figures mean nothing
`

const whole = (option: string, given: string | undefined): number | undefined => {
  if (given === undefined) return undefined
  const number = Number(given)
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${option} takes a whole number, not ${given}`)
  return number
}

const parse = () => {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string" },
      only: { type: "string", multiple: true, default: [] },
      votes: { type: "string" },
      seconds: { type: "string" },
      json: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      help: { type: "boolean", default: false }
    }
  })
  const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name))
  if (unknown.length > 0) throw new Error(`No such benchmark: ${unknown.join(", ")}`)
  const noVariant = values.only.filter((wanted) => !variants.some(({ name }) => name === wanted))
  if (noVariant.length > 0) throw new Error(`No such variant of drain: ${noVariant.join(", ")}`)
  const rounds = whole("rounds", values.rounds) ?? (values.quick ? 1 : 5)
  const votes = whole("votes", values.votes)
  const chosen = positionals.length === 0 ? benches : benches.filter(({ name }) => positionals.includes(name))
  const seconds = whole("seconds", values.seconds)
  const { help, json, only, quick } = values
  const given = { ...(votes === undefined ? {} : { votes }), ...(seconds === undefined ? {} : { seconds }) }
  return { help, json, quick, only, rounds, ...given, chosen }
}

const measure = ({ chosen, help: _, json, ...given }: ReturnType<typeof parse>) =>
  Effect.gen(function* () {
    const { quick, rounds } = given
    const env = yield* servers
    const tables: Array<string> = []
    for (const bench of chosen) {
      const progress = (text: string) => process.stderr.write(`${bench.name}: ${text}\n`)
      const rows: ReadonlyArray<Row> = yield* Effect.promise(() => bench.run({ env, ...given, progress }))
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
