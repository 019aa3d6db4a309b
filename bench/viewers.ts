import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { Worker } from "node:worker_threads"
import {
  type Bench,
  type BenchContext,
  interleave,
  percentile,
  type Row,
  ratioRow,
  type Side,
  sideRows
} from "./harness.ts"
import { runLoad, votes } from "./load/load.ts"
import { residentOf } from "./support/cpu.ts"
import { barePeer } from "./support/peers.ts"
import {
  kill,
  type Launched,
  launch,
  launchNode,
  portOf,
  production,
  tallykeep,
  until,
  untilReady
} from "./support/processes.ts"
import { makeSite } from "./support/site.ts"
import type { Over, Seen, Watched, Watching } from "./watchers.ts"

/** So many viewers, while so many votes come in a second. */
interface Crowd {
  readonly viewers: number
  readonly rate: number
}

interface Duration {
  readonly seconds: number
  /** After the last viewer has come, in ms. */
  readonly settle: number
}

interface Figures {
  /** Of each viewer, in KB. */
  readonly memory: number
  /** How much later than the first a viewer gets a change, at the 99th percentile, in ms. */
  readonly fanOut: number
  /** How long a vote's answer takes, at the 99th percentile, in ms. */
  readonly without: number
  readonly withViewers: number
}

/** The revision once all votes are counted. */
const settledRevision = async (port: number): Promise<number> => {
  const read = async () =>
    (await fetch(`http://127.0.0.1:${port}/api/results`)).json() as Promise<{ pending?: number; revision: number }>
  let before = await read()
  await until(async () => {
    const now = await read()
    const same = now.revision === before.revision && (now.pending ?? 0) === 0
    before = now
    return same
    // Results are read anew each second.
  }, 1_500)
  return before.revision
}

const measure = async (server: Launched, { rate, viewers }: Crowd, { seconds, settle }: Duration): Promise<Figures> => {
  const port = portOf(server)
  await untilReady(port)
  const vote = async () => {
    const lasts = seconds * 1000
    const load = { port, rate, connections: 16, requests: votes, expected: 201, warmUp: 100, lasts }
    return (await runLoad(load, () => undefined)).p99
  }
  // What is compiled and cached with the first votes, and with the first viewers, is not what is asked about.
  await vote()
  const without = await vote()
  const before = residentOf(server.pid)
  const watched: Watched = { port, viewers }
  const worker = new Worker(new URL("./watchers.ts", import.meta.url), { workerData: watched })
  const told = async <A>(): Promise<A> => (await once(worker, "message"))[0]
  await told<Watching>()
  await sleep(settle)
  const memory = ((residentOf(server.pid) - before) * 1024) / viewers
  await vote()
  const withViewers = await vote()
  worker.postMessage({ revision: await settledRevision(port) } satisfies Over)
  const { complete, delays } = await told<Seen>()
  await worker.terminate()
  if (complete < viewers) throw new Error(`Only ${complete} of ${viewers} viewers got the last revision`)
  const sorted = delays.toSorted((a, b) => a - b)
  return { memory, fanOut: percentile(sorted, 0.99), without, withViewers }
}

const measurePeer = async ({ env }: BenchContext, crowd: Crowd, duration: Duration): Promise<Figures> => {
  const peer = await launch(barePeer("events.mjs"), { ...env, PORT: "0" })
  return measure(peer, crowd, duration).finally(() => kill(peer))
}

const measureOurs = async ({ env }: BenchContext, crowd: Crowd, duration: Duration): Promise<Figures> => {
  const site = await makeSite(env)
  const settings = { ...site.env, ...production, PORT: "0" }
  const consumer = await launchNode([...tallykeep, "--role=consumer"], settings, /Counting votes/)
  const api = await launchNode([...tallykeep, "--role=api"], settings)
  try {
    return await measure(api, crowd, duration)
  } finally {
    await Promise.all([kill(api), kill(consumer)])
    await site.close()
  }
}

const watch = async (context: BenchContext, crowd: Crowd, duration: Duration): Promise<ReadonlyArray<Row>> => {
  const of = `${crowd.viewers.toLocaleString("en")} at ${crowd.rate.toLocaleString("en")} votes/s: `
  const sides: ReadonlyArray<Side<Figures>> = [
    { name: "tallykeep", run: () => measureOurs(context, crowd, duration) },
    { name: "bare node:http", run: () => measurePeer(context, crowd, duration) }
  ]
  const taken = await interleave(
    context,
    sides,
    ({ fanOut, memory, withViewers, without }) =>
      `${of}${memory.toFixed(1)} KB each, fan-out ${fanOut.toFixed(0)} ms, votes ${without.toFixed(1)} and ${withViewers.toFixed(1)} ms`
  )
  const rows = (what: string, unit: string, figure: keyof Figures) =>
    sideRows(
      sides.map(({ name, run }) => ({ name: `${of}${what}, ${name}`, run })),
      taken,
      unit,
      (figures) => figures[figure]
    )
  const [memory, ...peers] = rows("memory each", "KB", "memory")
  const figures = (figure: keyof Figures) => (taken[0] ?? []).map((round) => round[figure])
  return [
    ...(memory === undefined ? [] : [{ ...memory, target: { atMost: 25 } }]),
    ...peers,
    ...rows("fan-out p99", "ms", "fanOut"),
    ...rows("vote p99 without them", "ms", "without"),
    ...rows("vote p99 with them", "ms", "withViewers"),
    ratioRow(`${of}vote p99, with / without`, figures("withViewers"), figures("without"), { atMost: 1.5 })
  ]
}

/** Many viewers at one API process while votes come in, against the same at a bare node:http program. */
export const viewersBench: Bench = {
  name: "viewers",
  about: "viewers of live results at one process, while votes come in; all of them get the last revision",
  run: async (context) => {
    if (context.quick) return watch(context, { viewers: 50, rate: 100 }, { seconds: 0.3, settle: 50 })
    const duration = { seconds: 8, settle: 1_000 }
    return [
      ...(await watch(context, { viewers: 5_000, rate: 100 }, duration)),
      ...(await watch(context, { viewers: 2_000, rate: 1_000 }, duration))
    ]
  }
}
