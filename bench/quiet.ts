import { setTimeout as sleep } from "node:timers/promises"
import { type Bench, type BenchContext, interleave, ratioRow, type Side, sideRows } from "./harness.ts"
import { oneThousand, runLoad } from "./load/load.ts"
import { type Cpu, cpuEach, threadsCpuOf } from "./support/cpu.ts"
import { inBench, kill, type Launched, launchNode, portOf, tallykeep, untilReady } from "./support/processes.ts"
import { makeSite } from "./support/site.ts"

interface Load {
  /** Answers a second. */
  readonly rate: number
  readonly cpu: Cpu
}

interface Figures {
  readonly before: Load
  readonly after: Load
}

const request = "GET /api/results HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n"

const measureLoad = async (server: Launched, quick: boolean): Promise<Load> => {
  const { after, answers, before, seconds } = await runLoad(
    {
      port: portOf(server),
      connections: 64,
      requests: [request],
      expected: 200,
      ...(quick ? oneThousand : { warmUp: 3_000, lasts: 3_000 })
    },
    () => ({ own: threadsCpuOf(server.pid) })
  )
  return { rate: answers / seconds, cpu: cpuEach(before, after, answers) }
}

const measure = async (server: Launched, quick: boolean): Promise<Figures> => {
  try {
    const before = await measureLoad(server, quick)
    server.child.kill("SIGUSR2")
    await sleep(1_000)
    return { before, after: await measureLoad(server, quick) }
  } finally {
    await kill(server)
  }
}

/** What lets a quiet time's collections be asked for. */
const collecting = ["--expose-gc", "--require", inBench("support/collect.cjs")]

const startOurs = async ({ env }: BenchContext): Promise<Launched> => {
  const ours = await launchNode([...collecting, ...tallykeep, "--role=api"], { ...env, PORT: "0" })
  await untilReady(portOf(ours))
  return ours
}

const startBare = ({ env }: BenchContext): Promise<Launched> => {
  const answer = {
    path: "/api/results",
    body: "x".repeat(200),
    headers: { "content-length": "200", etag: '"constant"' }
  }
  return launchNode([...collecting, inBench("peers/results.mjs")], {
    ...env,
    PORT: "0",
    ANSWER: JSON.stringify(answer)
  })
}

/** Requests a second before and after a time in which V8 collects what a process has left. */
export const quiet: Bench = {
  name: "quiet",
  about: "results read before and after a quiet time, beside a bare node:http program",
  run: async (context) => {
    const site = await makeSite(context.env)
    const inSite = { ...context, env: site.env }
    const sides: ReadonlyArray<Side<Figures>> = [
      { name: "tallykeep", run: async () => measure(await startOurs(inSite), context.quick) },
      { name: "bare node:http", run: async () => measure(await startBare(inSite), context.quick) }
    ]
    const taken = await interleave(
      context,
      sides,
      ({ after, before }) => `${Math.round(before.rate)}/s, then ${Math.round(after.rate)}/s`
    ).finally(() => site.close())
    return (["before", "after"] as const)
      .flatMap((when) =>
        sideRows(
          sides.map((side) => ({ ...side, name: `${side.name}, ${when}` })),
          taken,
          "answers/s",
          (figures) => figures[when].rate,
          (figures) => figures[when].cpu
        )
      )
      .concat(
        sides.map(({ name }, index) => {
          const cpuTimes = (when: "before" | "after") =>
            (taken[index] ?? []).map((figures) => figures[when].cpu.own ?? Number.NaN)
          const target = name === "tallykeep" ? { atMost: 1.1 } : undefined
          return ratioRow(`${name}, after / before, CPU each`, cpuTimes("after"), cpuTimes("before"), target)
        })
      )
  }
}
