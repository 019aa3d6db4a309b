import { spawn } from "node:child_process"
import { get } from "node:http"
import { type AddressInfo, createServer } from "node:net"
import { fileURLToPath } from "node:url"
import type { Bench, Row } from "./harness.ts"
import { median } from "./harness.ts"

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
  const child = spawn(process.execPath, [script, ...args], { env: { ...env, PORT: String(port) }, stdio: "ignore" })
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

/** Start to first answer, with Redis and PostgreSQL already up: `api` and `all` against a bare node:http program. */
export const start: Bench = {
  name: "start",
  about: "process start to first answer",
  run: async ({ env, progress, rounds }) => {
    const runs = {
      bare: (stay?: number) => firstAnswer(path("./peers/bare.mjs"), [], env, stay),
      api: (stay?: number) => firstAnswer(path("../dist/main.js"), ["--role=api"], env, stay),
      all: (stay?: number) => firstAnswer(path("../dist/main.js"), ["--role=all"], env, stay)
    }
    const took = { bare: [] as Array<number>, api: [] as Array<number>, all: [] as Array<number> }
    for (let round = 0; round <= rounds; round++) {
      for (const [name, run] of Object.entries(runs)) {
        // The first round fills the file cache, and the one that the program keeps its compiled code in.
        const ms = await run(round === 0 ? warmUp : 0)
        if (round > 0) took[name as keyof typeof took].push(ms)
      }
      progress(`round ${round} of ${rounds}`)
    }
    const bare = median(took.bare)
    return Object.entries(took).map(([name, values]): Row => {
      const value = median(values)
      return { what: name, value: Math.round(value), unit: "ms", ratio: value / bare, against: "bare node:http" }
    })
  }
}
