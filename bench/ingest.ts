import { type Bench, type BenchContext, interleave, ratioRow, type Side, sideRows } from "./harness.ts"
import { runLoad, votes } from "./load/load.ts"
import { type Cpu, cpuEach, cpuOf } from "./support/cpu.ts"
import { barePeer, type Command, installedPeer, pythonPeer } from "./support/peers.ts"
import { kill, launch, main, portOf, untilReady } from "./support/processes.ts"
import { makeSite, type Site } from "./support/site.ts"

const connections = 64

interface Figures {
  /** Votes a second. */
  readonly rate: number
  readonly p99: number
  readonly cpu: Cpu
}

/** All that tallykeep has is on: the limit is so high that it refuses none. */
const settings = {
  ENVIRONMENT: "production",
  NODE_ENV: "production",
  CORS_ORIGINS: "http://localhost:3000",
  RATE_LIMIT: "1000000/1s",
  MAX_BACKLOG: "1000000000"
}

/** Redis's own CPU time, in s, as it tells it itself. */
const redisCpu = async ({ redis }: Site): Promise<number> => {
  const info = await redis.info("cpu")
  const of = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(info)?.[1])
  return of("used_cpu_sys") + of("used_cpu_user")
}

const measure = async ({ env, quick }: BenchContext, command: ReadonlyArray<string>): Promise<Figures> => {
  const site = await makeSite(env)
  const server = await launch(command, { ...site.env, ...settings, PORT: "0" })
  try {
    if (command.includes(main)) await untilReady(portOf(server))
    const { after, answers, before, p99, seconds } = await runLoad(
      {
        port: portOf(server),
        connections,
        requests: votes,
        expected: 201,
        warmUp: quick ? 100 : 3_000,
        lasts: quick ? 200 : 5_000
      },
      async () => ({ own: cpuOf(server.pid), Redis: await redisCpu(site) })
    )
    return { rate: answers / seconds, p99, cpu: cpuEach(before, after, answers) }
  } finally {
    await kill(server)
    await site.close()
  }
}

export const ingest: Bench = {
  name: "ingest",
  about: `votes taken by one process over ${connections} connections, each on disk in Redis before its answer`,
  run: async (context) => {
    const side = (name: string, command: Command): Side<Figures> => ({
      name,
      run: "skipped" in command ? command : () => measure(context, command)
    })
    const sides = [
      side("tallykeep", [process.execPath, main, "--role=api"]),
      side("bare node:http", barePeer("ingest-node.mjs")),
      side("Fastify", installedPeer(context, "ingest-fastify.mjs")),
      side("FastAPI", pythonPeer(context, "ingest_fastapi.py"))
    ]
    const taken = await interleave(
      context,
      sides,
      ({ cpu, p99, rate }) => `${Math.round(rate)} votes/s, ${cpu.own?.toFixed(1)} µs each, p99 ${p99.toFixed(1)} ms`
    )
    const [ours = [], bare = [], fastify = [], fastapi = []] = taken.map((figures) => figures.map(({ rate }) => rate))
    const perCore = (index: number) => (taken[index] ?? []).map(({ cpu }) => 1 / (cpu.own ?? Number.NaN))
    return [
      ...sideRows(
        sides,
        taken,
        "votes/s",
        ({ rate }) => rate,
        ({ cpu }) => cpu
      ),
      ratioRow("tallykeep / bare node:http", ours, bare, { atLeast: 0.75 }),
      ratioRow("tallykeep / Fastify", ours, fastify, { atLeast: 1 }),
      ratioRow("tallykeep / FastAPI", ours, fastapi),
      ratioRow("tallykeep / bare, per core", perCore(0), perCore(1)),
      ratioRow("tallykeep / Fastify, per core", perCore(0), perCore(2)),
      ratioRow("tallykeep / FastAPI, per core", perCore(0), perCore(3), { atLeast: 4 })
    ]
  }
}
