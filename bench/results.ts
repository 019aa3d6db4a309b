import { type Bench, type BenchContext, interleave, ratioRow, type Side, sideRows } from "./harness.ts"
import { oneThousand, runLoad } from "./load/load.ts"
import { type Cpu, cpuEach, cpuOf } from "./support/cpu.ts"
import { barePeer } from "./support/peers.ts"
import {
  kill,
  type Launched,
  launch,
  launchNode,
  portOf,
  production,
  tallykeep,
  untilReady
} from "./support/processes.ts"
import { makeSite } from "./support/site.ts"

const connections = 64

interface Figures {
  /** Answers a second. */
  readonly rate: number
  readonly cpu: Cpu
}

/** An answer as the peer is to send it. */
interface Answer {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

const get = (more: string): string =>
  `GET /api/results HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://localhost:3000\r\nAccept: */*\r\n${more}\r\n`

const measure = async (server: Launched, quick: boolean, etag: string | undefined): Promise<Figures> => {
  const { after, answers, before, seconds } = await runLoad(
    {
      port: portOf(server),
      connections,
      requests: [get(etag === undefined ? "" : `If-None-Match: ${etag}\r\n`)],
      expected: etag === undefined ? 200 : 304,
      ...(quick ? oneThousand : { warmUp: 2_000, lasts: 4_000 })
    },
    () => ({ own: cpuOf(server.pid) })
  )
  return { rate: answers / seconds, cpu: cpuEach(before, after, answers) }
}

const answerOf = async (server: Launched): Promise<Answer> => {
  const response = await fetch(`http://127.0.0.1:${portOf(server)}/api/results`, {
    headers: { origin: "http://localhost:3000" }
  })
  const body = await response.text()
  // These Node adds by itself.
  const own = new Set(["connection", "date", "keep-alive"])
  return { body, headers: Object.fromEntries([...response.headers].filter(([name]) => !own.has(name))) }
}

/** Starts tallykeep, and a bare program without and with an option of Node's; all stay up, since nothing builds up in them. */
const withServers = async <A>(
  { env }: BenchContext,
  run: (servers: ReadonlyArray<readonly [name: string, server: Launched]>, etag: string) => Promise<A>
): Promise<A> => {
  const site = await makeSite(env)
  const ours = await launchNode([...tallykeep, "--role=api"], { ...site.env, ...production, PORT: "0" })
  const running = [ours]
  try {
    await untilReady(portOf(ours))
    const answer = await answerOf(ours)
    const startPeer = async (...args: ReadonlyArray<string>) => {
      const command = barePeer("results.mjs", ...args)
      const peer = await launch(command, { ...env, PORT: "0", ANSWER: JSON.stringify(answer) })
      running.push(peer)
      return peer
    }
    const [bare, optimized] = [await startPeer(), await startPeer("--optimized")]
    const named = [["tallykeep", ours] as const, [bareName, bare] as const, [optimizedName, optimized] as const]
    return await run(named, answer.headers.etag ?? "")
  } finally {
    for (const server of running) await kill(server)
    await site.close()
  }
}

const [bareName, optimizedName] = ["bare node:http", "bare, optimizeEmptyRequests"]

export const results: Bench = {
  name: "results",
  about: `results read over ${connections} connections, beside the same bytes from a bare node:http program`,
  run: (context) =>
    withServers(context, async (servers, etag) => {
      const sidesOf = (status: number, known?: string) =>
        servers.map(
          ([name, server]): Side<Figures> => ({
            name: `${name}, ${status}`,
            run: () => measure(server, context.quick, known)
          })
        )
      const sides = [...sidesOf(200), ...sidesOf(304, etag)]
      const taken = await interleave(
        context,
        sides,
        ({ cpu, rate }) => `${Math.round(rate)}/s, ${cpu.own?.toFixed(1)} µs each`
      )
      const [ok = [], ok1 = [], ok2 = [], known = [], known1 = [], known2 = []] = taken.map((figures) =>
        figures.map(({ rate }) => rate)
      )
      return [
        ...sideRows(
          sides,
          taken,
          "answers/s",
          ({ rate }) => rate,
          ({ cpu }) => cpu
        ),
        ratioRow(`tallykeep / ${bareName}, 200`, ok, ok1, { atLeast: 0.9 }),
        ratioRow(`tallykeep / ${bareName}, 304`, known, known1, { atLeast: 0.9 }),
        ratioRow(`tallykeep / ${optimizedName}, 200`, ok, ok2),
        ratioRow(`tallykeep / ${optimizedName}, 304`, known, known2)
      ]
    })
}
