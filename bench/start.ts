import { spawn } from "node:child_process"
import { get } from "node:http"
import { type AddressInfo, createServer } from "node:net"
import { fileURLToPath } from "node:url"
import { type Role, roles } from "../src/layers/Settings.ts"
import { type Bench, interleave, ratioRow, type Side, sideRows } from "./harness.ts"

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

/** From the start of a process to its first answer, in ms. */
const firstAnswer = async (
  script: string,
  args: ReadonlyArray<string>,
  env: NodeJS.ProcessEnv,
  stay = 0
): Promise<number> => {
  const port = await freePort()
  const started = performance.now()
  const ports = { PORT: String(port), ...(args.includes("--role=consumer") && { MANAGEMENT_PORT: String(port) }) }
  const child = spawn(process.execPath, [script, ...args], { env: { ...env, ...ports }, stdio: "ignore" })
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`${script} ended before it answered`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  const took = performance.now() - started
  await new Promise((resolve) => setTimeout(resolve, stay))
  child.kill("SIGKILL")
  await gone
  return took
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** Start to first answer, with Redis and PostgreSQL already up: each role against a bare node:http program. */
export const start: Bench = {
  name: "start",
  about: "process start to first answer, each role; a consumer answers at its MANAGEMENT_PORT",
  run: async (context) => {
    const { env, quick } = context
    const startRole = (role: Role, stay?: number) => firstAnswer(path("../dist/main.js"), [`--role=${role}`], env, stay)
    const sides: ReadonlyArray<Side<number>> = [
      { name: "bare node:http", run: () => firstAnswer(path("./peers/bare.mjs"), [], env) },
      ...roles.map((role) => ({ name: role, run: () => startRole(role) }))
    ]
    // This fills the file cache, and the one that the program keeps its compiled code in.
    for (const role of roles) await startRole(role, quick ? 0 : warmUp)
    const taken = await interleave(context, sides, (ms) => `${Math.round(ms)} ms`)
    const [bare = [], ...ours] = taken
    return [
      ...sideRows(sides, taken, "ms", (ms) => ms),
      ...roles.map((role, index) => ratioRow(`${role} / bare node:http`, ours[index] ?? [], bare, { atMost: 2 }))
    ]
  }
}
