import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { Agent, request } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { Worker } from "node:worker_threads"
import { type Bench, median, type Row } from "./harness.ts"
import type { Told, Watched } from "./watchers.ts"

const viewers = 2_000
/** Votes a second, and for how many seconds. */
const rate = 100
const seconds = 6

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** Starts a program, and gives what it says that matches. */
const launch = async (script: string, args: ReadonlyArray<string>, env: NodeJS.ProcessEnv, says: RegExp) => {
  const child = spawn(process.execPath, [script, ...args], { env, stdio: ["ignore", "pipe", "pipe"] })
  let written = ""
  for (;;) {
    const [chunk] = await Promise.race([once(child.stdout, "data"), once(child.stderr, "data"), once(child, "exit")])
    written += chunk
    if (child.exitCode !== null) throw new Error(`${script} ended: ${written}`)
    const found = says.exec(written)
    if (found === null) continue
    child.stdout.resume()
    child.stderr.resume()
    return { child, found }
  }
}

const kill = async (child: ChildProcess): Promise<void> => {
  child.kill("SIGKILL")
  await once(child, "exit")
}

/** Resident memory, in KB; Linux only. */
const residentOf = async ({ pid }: ChildProcess): Promise<number> =>
  Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1])

const percentile99 = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? Number.NaN

/** One vote, and how long its answer took, in ms. */
const vote = (agent: Agent, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const start = performance.now()
    const headers = { "content-type": "application/json", "content-length": 17 }
    const sent = request({ agent, port, host: "127.0.0.1", method: "POST", path: "/api/vote", headers }, (response) => {
      response.resume()
      response.on("end", () => {
        if (response.statusCode === 201) resolve(performance.now() - start)
        else reject(new Error(`A vote was answered ${response.statusCode}`))
      })
    })
    sent.on("error", reject)
    sent.end('{"option":"cats"}')
  })

/** Votes at an even pace, whatever the answers take; gives what they took at the 99th percentile, in ms. */
const voteEvenly = async (port: number): Promise<number> => {
  const agent = new Agent({ keepAlive: true })
  const votes: Array<Promise<number>> = []
  const start = performance.now()
  for (let index = 0; index < rate * seconds; index++) {
    await sleep(Math.max(0, start + (index * 1000) / rate - performance.now()))
    votes.push(vote(agent, port))
  }
  const took = await Promise.all(votes)
  agent.destroy()
  return percentile99(took)
}

const untilReady = async (port: number): Promise<void> => {
  const ready = () => fetch(`http://127.0.0.1:${port}/ready`).then(({ ok }) => ok)
  while (!(await ready())) await sleep(20)
}

const measure = async (child: ChildProcess, port: number) => {
  await untilReady(port)
  // What is compiled and cached with the first votes is not for the viewers.
  await voteEvenly(port)
  const without = await voteEvenly(port)
  const before = await residentOf(child)
  const watched: Watched = { port, viewers }
  const worker = new Worker(new URL("./watchers.ts", import.meta.url), { workerData: watched })
  const told = async (): Promise<Told> => (await once(worker, "message"))[0]
  await told()
  await sleep(1_000)
  const memory = ((await residentOf(child)) - before) / viewers
  const withViewers = await voteEvenly(port)
  worker.postMessage("enough")
  const delays = await told()
  await worker.terminate()
  if (delays === "watching" || delays.length === 0) throw new Error("The viewers were sent nothing")
  return { memory, fanOut: percentile99(delays), without, withViewers }
}

type Figures = Awaited<ReturnType<typeof measure>>

const listening = /Listening on http:\/\/\S+:(\d+)/

const measurePeer = async (): Promise<Figures> => {
  const { child, found } = await launch(path("./peers/events.mjs"), [], { ...process.env, PORT: "0" }, listening)
  return measure(child, Number(found[1])).finally(() => kill(child))
}

const measureApi = async (env: NodeJS.ProcessEnv): Promise<Figures> => {
  const main = path("../dist/main.js")
  const consumer = await launch(main, ["--role=consumer"], env, /Counting votes/)
  const { child, found } = await launch(main, ["--role=api"], { ...env, PORT: "0" }, listening)
  return measure(child, Number(found[1])).finally(() => Promise.all([kill(child), kill(consumer.child)]))
}

/** Many viewers at one API process while votes come in, against the same at a bare node:http program. */
export const viewersBench: Bench = {
  name: "viewers",
  about: `${viewers.toLocaleString("en")} viewers of live results at one process, and ${rate} votes a second`,
  run: async ({ env, progress, rounds }) => {
    const taken: Record<"bare" | "api", Array<Figures>> = { bare: [], api: [] }
    for (let round = 1; round <= rounds; round++) {
      taken.bare.push(await measurePeer())
      taken.api.push(await measureApi({ ...env, STREAM_NAME: `bench-viewers-${round}`, RATE_LIMIT: "off" }))
      progress(`round ${round} of ${rounds}`)
    }
    const of = (who: "bare" | "api", figure: keyof Figures) => median(taken[who].map((figures) => figures[figure]))
    const row = (what: string, unit: string, figure: keyof Figures): Row => ({
      what,
      value: Number(of("api", figure).toFixed(2)),
      unit,
      ratio: of("api", figure) / of("bare", figure),
      against: "bare node:http"
    })
    return [
      row("memory per viewer", "KB", "memory"),
      row("fan-out p99", "ms", "fanOut"),
      row("vote p99, no viewers", "ms", "without"),
      row("vote p99, with viewers", "ms", "withViewers"),
      {
        what: "vote p99, with viewers",
        value: Number(of("api", "withViewers").toFixed(2)),
        unit: "ms",
        ratio: of("api", "withViewers") / of("api", "without"),
        against: "the same without"
      }
    ]
  }
}
