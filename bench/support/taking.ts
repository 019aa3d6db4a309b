import type { BenchContext, Side } from "../harness.ts"
import { oneThousand, runLoad, votes } from "../load/load.ts"
import { type Cpu, cpuEach, cpuOf } from "./cpu.ts"
import type { Command } from "./peers.ts"
import { kill, type Launched, launch, portOf, production, tallykeep, untilReady } from "./processes.ts"
import { makeSite, type Site } from "./site.ts"

export const connections = 64

export interface Figures {
  /** Votes a second. */
  readonly rate: number
  readonly p99: number
  readonly cpu: Cpu
}

const settings = {
  ...production,
  NODE_ENV: "production",
  CORS_ORIGINS: "http://localhost:3000",
  MAX_BACKLOG: "1000000000"
}

/** Redis's own CPU time, in s, as it tells it itself. */
const redisCpu = async ({ redis }: Site): Promise<number> => {
  const info = await redis.info("cpu")
  const of = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(info)?.[1])
  return of("used_cpu_sys") + of("used_cpu_user")
}

export const api: ReadonlyArray<string> = [process.execPath, ...tallykeep, "--role=api"]

/** A server that runs, with a stream of its own. */
export interface Server {
  readonly site: Site
  readonly program: Launched
  /** Whether it has been under load: the first time it takes longer until it is as fast as it gets. */
  warm: boolean
}

export const startServer = async (
  { env }: BenchContext,
  command: ReadonlyArray<string>,
  more: Readonly<Record<string, string>>,
  made?: Site
): Promise<Server> => {
  const site = made ?? (await makeSite(env))
  const program = await launch(command, { ...site.env, ...settings, ...more, PORT: "0" })
  if (command === api) await untilReady(portOf(program))
  return { site, program, warm: false }
}

export const measure = async (
  { quick }: BenchContext,
  server: Server,
  requests: ReadonlyArray<string> = votes
): Promise<Figures> => {
  const { program, site, warm } = server
  server.warm = true
  const { after, answers, before, p99, seconds } = await runLoad(
    {
      port: portOf(program),
      connections,
      requests,
      expected: 201,
      ...(quick ? oneThousand : { warmUp: warm ? 500 : 3_000, lasts: 4_000 })
    },
    async () => ({ own: cpuOf(program.pid), Redis: await redisCpu(site) })
  )
  return { rate: answers / seconds, p99, cpu: cpuEach(before, after, answers) }
}

/** Makes one side, with `more` settings; its server stays up for all rounds, so that they follow each other closely. */
export const makeSide = (
  context: BenchContext,
  name: string,
  command: Command,
  more: Readonly<Record<string, string>> = {}
) => {
  let server: Server | undefined
  const run = async (given: ReadonlyArray<string>) => {
    server ??= await startServer(context, given, more)
    return measure(context, server)
  }
  const side: Side<Figures> = { name, run: "skipped" in command ? command : () => run(command) }
  const close = async () => {
    if (server === undefined) return
    await kill(server.program)
    await server.site.close()
  }
  return { side, close }
}

export const show = ({ cpu, p99, rate }: Figures): string =>
  `${Math.round(rate)} votes/s, ${cpu.own?.toFixed(1)} µs each, p99 ${p99.toFixed(1)} ms`
