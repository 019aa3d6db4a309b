import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { get } from "node:http"
import { type AddressInfo, createServer } from "node:net"
import { type Role, roles } from "../src/layers/Settings.ts"
import { nodeFlags } from "../test/support/nodeFlags.ts"
import { type Bench, type Env, interleave, ratioRow, type Side, sideRows } from "./harness.ts"
import { type Cpu, threadsCpuOf } from "./support/cpu.ts"
import { inBench, tallykeep } from "./support/processes.ts"

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    get({ port, host: "127.0.0.1", path: "/health", agent: false }, (response) => {
      response.resume()
      response.on("end", () => resolve(response.statusCode === 200))
    }).on("error", () => resolve(false))
  })

/** How long a process runs before its compiled code is kept for the next start, in ms. */
const warmUp = 4_000

interface Figures {
  /** From the start of a process to its first answer, in ms. */
  readonly ms: number
  readonly cpu: Cpu
}

/** Starts a program for Node, and ends it `stay` ms after its first answer. */
const firstAnswer = async (args: ReadonlyArray<string>, env: NodeJS.ProcessEnv, stay = 0): Promise<Figures> => {
  const port = await freePort()
  const started = performance.now()
  const ports = { PORT: String(port), ...(args.includes("--role=consumer") && { MANAGEMENT_PORT: String(port) }) }
  const child = spawn(process.execPath, args, { env: { ...env, ...ports }, stdio: "ignore" })
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`node ${args.join(" ")} ended before it answered`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  const ms = performance.now() - started
  const cpu = { own: threadsCpuOf(child.pid ?? 0) * 1e6 }
  await new Promise((resolve) => setTimeout(resolve, stay))
  child.kill("SIGKILL")
  await gone
  return { ms, cpu }
}

/** A way to start the program, other than the usual one by what it is named for. */
interface Way {
  readonly name: string
  readonly args: ReadonlyArray<string>
  readonly env: NodeJS.ProcessEnv
}

const plain = inBench("../dist-plain/main.js")

/** Each role as it is shipped; and the whole program without one of the things that make its start fast. */
const waysOf = (env: Env): ReadonlyArray<Way> => [
  ...roles.map((role: Role): Way => ({ name: role, args: [...tallykeep, `--role=${role}`], env })),
  { name: "all, plain build", args: [...nodeFlags, plain], env },
  { name: "all, no compiled code", args: tallykeep, env: { ...env, NODE_DISABLE_COMPILE_CACHE: "1" } },
  { name: "all, no flags", args: tallykeep.filter((argument) => !nodeFlags.includes(argument)), env }
]

/** Start to first answer, with Redis and PostgreSQL already up: each role against a bare node:http program. */
export const start: Bench = {
  name: "start",
  about: "process start to first answer, each role; a consumer answers at its MANAGEMENT_PORT",
  run: async (context) => {
    const { env, quick } = context
    const ways = waysOf(env).map((way) => ({ ...way, skip: way.args.includes(plain) && !existsSync(plain) }))
    const sides: ReadonlyArray<Side<Figures>> = [
      { name: "bare node:http", run: () => firstAnswer([inBench("peers/bare.mjs")], env) },
      ...ways.map(({ args, env, name, skip }) => ({
        name,
        run: skip ? { skipped: "script/bench builds dist-plain/" } : () => firstAnswer(args, env)
      }))
    ]
    // This fills the file cache, and the one that the program keeps its compiled code in.
    for (const { args, env, skip } of quick ? [] : ways) if (!skip) await firstAnswer(args, env, warmUp)
    const taken = await interleave(context, sides, ({ cpu, ms }) => `${Math.round(ms)} ms, ${cpu.own?.toFixed(0)} µs`)
    const [bare = [], ...ours] = taken
    const all = ours[roles.indexOf("all")] ?? []
    const cpuTimes = (figures: ReadonlyArray<Figures>) => figures.map(({ cpu }) => cpu.own ?? Number.NaN)
    return [
      ...sideRows(
        sides,
        taken,
        "ms",
        ({ ms }) => ms,
        ({ cpu }) => cpu
      ),
      ...roles.flatMap((role, index) => {
        const figures = ours[index] ?? []
        const wall = (each: ReadonlyArray<Figures>) => each.map(({ ms }) => ms)
        return [
          ratioRow(`${role} / bare node:http`, wall(figures), wall(bare), { atMost: 2 }),
          ratioRow(`${role} / bare node:http, CPU`, cpuTimes(figures), cpuTimes(bare))
        ]
      }),
      ...ways.slice(roles.length).map(({ name }, index) => {
        const without = ours[roles.length + index] ?? []
        return ratioRow(`all / ${name}, CPU`, cpuTimes(without.length === 0 ? [] : all), cpuTimes(without))
      })
    ]
  }
}
