import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { Worker } from "node:worker_threads"
import { type Bench, type BenchContext, interleave, percentile, ratioRow, type Side, sideRows } from "./harness.ts"
import { runLoad, votes } from "./load/load.ts"
import { residentOf } from "./support/cpu.ts"
import { barePeer } from "./support/peers.ts"
import { kill, type Launched, launch, launchNode, main, portOf, untilReady } from "./support/processes.ts"
import { makeSite } from "./support/site.ts"
import type { Told, Watched } from "./watchers.ts"

/** Votes a second. */
const rate = 100

const sizes = (quick: boolean) =>
  quick ? { viewers: 50, seconds: 0.3, settle: 50 } : { viewers: 5_000, seconds: 6, settle: 1_000 }

interface Figures {
  /** Of each viewer, in KB. */
  readonly memory: number
  /** How much later than the first a viewer gets a change, at the 99th percentile, in ms. */
  readonly fanOut: number
  /** How long a vote's answer takes, at the 99th percentile, in ms. */
  readonly without: number
  readonly withViewers: number
}

const measure = async (server: Launched, quick: boolean): Promise<Figures> => {
  const { seconds, settle, viewers } = sizes(quick)
  const port = portOf(server)
  await untilReady(port)
  const vote = async () => {
    const lasts = seconds * 1000
    const load = { port, rate, connections: 16, requests: votes, expected: 201, warmUp: 100, lasts }
    return (await runLoad(load, () => undefined)).p99
  }
  // What is compiled and cached with the first votes is not for the viewers.
  if (!quick) await vote()
  const without = await vote()
  const before = residentOf(server.pid)
  const watched: Watched = { port, viewers }
  const worker = new Worker(new URL("./watchers.ts", import.meta.url), { workerData: watched })
  const told = async (): Promise<Told> => (await once(worker, "message"))[0]
  await told()
  await sleep(settle)
  const memory = ((residentOf(server.pid) - before) * 1024) / viewers
  const withViewers = await vote()
  worker.postMessage("enough")
  const delays = await told()
  await worker.terminate()
  if (delays === "watching" || delays.length === 0) throw new Error("The viewers were sent nothing")
  const fanOut = percentile(
    delays.toSorted((a, b) => a - b),
    0.99
  )
  return { memory, fanOut, without, withViewers }
}

const measurePeer = async ({ quick }: BenchContext): Promise<Figures> => {
  const peer = await launch(barePeer("events.mjs"), { ...process.env, PORT: "0" })
  return measure(peer, quick).finally(() => kill(peer))
}

const measureOurs = async ({ env, quick }: BenchContext): Promise<Figures> => {
  const site = await makeSite(env)
  const settings = { ...site.env, ENVIRONMENT: "production", PORT: "0" }
  const consumer = await launchNode([main, "--role=consumer"], settings, /Counting votes/)
  const api = await launchNode([main, "--role=api"], settings)
  try {
    return await measure(api, quick)
  } finally {
    await Promise.all([kill(api), kill(consumer)])
    await site.close()
  }
}

/** Many viewers at one API process while votes come in, against the same at a bare node:http program. */
export const viewersBench: Bench = {
  name: "viewers",
  about: "viewers of live results at one process, while votes come in",
  run: async (context) => {
    const { viewers } = sizes(context.quick)
    const sides: ReadonlyArray<Side<Figures>> = [
      { name: "tallykeep", run: () => measureOurs(context) },
      { name: "bare node:http", run: () => measurePeer(context) }
    ]
    const taken = await interleave(
      context,
      sides,
      ({ fanOut, memory, withViewers, without }) =>
        `${memory.toFixed(1)} KB each, fan-out ${fanOut.toFixed(0)} ms, votes ${without.toFixed(1)} and ${withViewers.toFixed(1)} ms`
    )
    const [ours = []] = taken
    const rows = (what: string, unit: string, figure: keyof Figures) =>
      sideRows(
        sides.map(({ name, run }) => ({ name: `${what}, ${name}`, run })),
        taken,
        unit,
        (figures) => figures[figure]
      )
    const [memory, ...peers] = rows(`memory of each of ${viewers}`, "KB", "memory")
    const of = (figure: keyof Figures) => ours.map((figures) => figures[figure])
    return [
      ...(memory === undefined ? [] : [{ ...memory, target: { atMost: 25 } }]),
      ...peers,
      ...rows("fan-out p99", "ms", "fanOut"),
      ...rows("vote p99, no viewers", "ms", "without"),
      ...rows("vote p99, viewers", "ms", "withViewers"),
      ratioRow("vote p99, with viewers / without", of("withViewers"), of("without"))
    ]
  }
}
