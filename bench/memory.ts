import { type Bench, type BenchContext, figureRow, interleave } from "./harness.ts"
import { runLoad, votes } from "./load/load.ts"
import { residentOf } from "./support/cpu.ts"
import { openDatabase } from "./support/database.ts"
import { kill, launchNode, portOf, production, tallykeep, until, untilReady } from "./support/processes.ts"
import { makeSite } from "./support/site.ts"

/** Three quarters of the memory that the chart allows a container (512 MiB), in MB. */
const heap = 384

/** Resident memory, in MB, once all is counted. */
interface Figures {
  readonly api: number
  readonly consumer: number
}

const measure = async ({ env, quick }: BenchContext): Promise<Figures> => {
  const total = quick ? 1_000 : 1_000_000
  const site = await makeSite(env)
  const settings = { ...site.env, ...production, MAX_BACKLOG: "1000000000", PORT: "0" }
  const program = [`--max-old-space-size=${heap}`, ...tallykeep]
  const consumer = await launchNode([...program, "--role=consumer"], settings, /Counting votes/)
  const api = await launchNode([...program, "--role=api"], settings)
  const database = openDatabase(site.env.DATABASE_URL)
  try {
    await untilReady(portOf(api))
    const lasts = Number.MAX_SAFE_INTEGER
    const load = { port: portOf(api), connections: 64, requests: votes, expected: 201, warmUp: 0, lasts, total }
    await runLoad(load, () => undefined)
    await until(async () => {
      const [row] = await database.query<{ sum: string }>("select sum(count)::text as sum from tally")
      return Number(row?.sum) === total
    })
    return { api: residentOf(api.pid), consumer: residentOf(consumer.pid) }
  } finally {
    await database.close()
    await Promise.all([kill(api), kill(consumer)])
    await site.close()
  }
}

export const memory: Bench = {
  name: "memory",
  about: `resident memory after 1,000,000 votes over 64 connections, with --max-old-space-size=${heap}`,
  run: async (context) => {
    const sides = [{ name: "tallykeep", run: () => measure(context) }]
    const [taken = []] = await interleave(
      context,
      sides,
      ({ api, consumer }) => `api ${api.toFixed(0)} MB, consumer ${consumer.toFixed(0)} MB`
    )
    return [
      figureRow(
        "api",
        "MB",
        taken.map(({ api }) => api),
        { target: { atMost: 150 } }
      ),
      figureRow(
        "consumer",
        "MB",
        taken.map(({ consumer }) => consumer),
        { target: { atMost: 130 } }
      )
    ]
  }
}
