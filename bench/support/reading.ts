import type { BenchContext } from "../harness.ts"
import { oneThousand, runLoad } from "../load/load.ts"
import { type Cpu, cpuEach, cpuOf } from "./cpu.ts"
import { barePeer } from "./peers.ts"
import { kill, type Launched, launch, launchNode, portOf, production, tallykeep, untilReady } from "./processes.ts"
import type { Site } from "./site.ts"

export const connections = 64

export interface Read {
  /** Answers a second. */
  readonly rate: number
  readonly cpu: Cpu
}

/** What all requests of a benchmark have, as a page's own script sends it. */
const headers = { Origin: "http://localhost:3000", Accept: "*/*", "Accept-Encoding": "identity" }

const requestOf = (path: string, etag: string | undefined): string => {
  const lines = Object.entries({ ...headers, ...(etag === undefined ? {} : { "If-None-Match": etag }) })
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`
}

/** Reads a path over all connections; with an `etag`, as one who has it. */
export const measureReads = async (server: Launched, quick: boolean, path: string, etag?: string): Promise<Read> => {
  const { after, answers, before, seconds } = await runLoad(
    {
      port: portOf(server),
      connections,
      requests: [requestOf(path, etag)],
      expected: etag === undefined ? 200 : 304,
      ...(quick ? oneThousand : { warmUp: 2_000, lasts: 4_000 })
    },
    () => ({ own: cpuOf(server.pid) })
  )
  return { rate: answers / seconds, cpu: cpuEach(before, after, answers) }
}

export const showRead = ({ cpu, rate }: Read): string => `${Math.round(rate)}/s, ${cpu.own?.toFixed(1)} µs each`

/** Starts an API at a site, in production; with more settings. */
export const startApi = async ({ env }: Site, more: Readonly<Record<string, string>> = {}): Promise<Launched> => {
  const api = await launchNode([...tallykeep, "--role=api"], { ...env, ...production, ...more, PORT: "0" })
  await untilReady(portOf(api)).catch(async (error) => {
    await kill(api)
    throw error
  })
  return api
}

/** An answer as the peer is to send it. */
export interface Answer {
  readonly path: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export const answerOf = async (server: Launched, path: string): Promise<Answer> => {
  const response = await fetch(`http://127.0.0.1:${portOf(server)}${path}`, { headers })
  // As it is: `text()` would take off the mark of UTF-8 that a CSV begins with.
  const body = Buffer.from(await response.arrayBuffer()).toString()
  if (!response.ok) throw new Error(`${path} was answered with ${response.status}: ${body}`)
  // These Node adds by itself.
  const own = new Set(["connection", "date", "keep-alive"])
  return { path, body, headers: Object.fromEntries([...response.headers].filter(([name]) => !own.has(name))) }
}

/** Starts a bare program that sends this answer. */
export const startBare = ({ env }: BenchContext, answer: Answer, ...args: ReadonlyArray<string>): Promise<Launched> =>
  launch(barePeer("results.mjs", ...args), { ...env, PORT: "0", ANSWER: JSON.stringify(answer) })
