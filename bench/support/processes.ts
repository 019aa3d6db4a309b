import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { nodeFlags } from "../../test/support/nodeFlags.ts"

/** A program that runs, and what it said when it was ready. */
export interface Launched {
  readonly child: ChildProcess
  readonly pid: number
  readonly said: RegExpExecArray
  /** Returns the last of what it has written since. */
  readonly lastWords: () => string
}

/** What each program says that answers HTTP. */
export const listening = /Listening on http:\/\/\S+?:(\d+)/

/** The file at a path relative to bench/. */
export const inBench = (relative: string): string => fileURLToPath(new URL(`../${relative}`, import.meta.url))

/** The arguments for Node that start tallykeep, before its own. */
export const tallykeep: ReadonlyArray<string> = [...nodeFlags, inBench("../dist/main.js")]

/** In production, all that tallykeep has is on; its limits for a client address are so high that they refuse none. */
export const production = {
  ENVIRONMENT: "production",
  RATE_LIMIT: "1000000/1s",
  READ_LIMIT: "1000000/1s",
  MAX_VIEWERS_PER_CLIENT: "1000000"
}

const running = new Set<ChildProcess>()
// Whatever becomes of the bench, nothing of it stays behind.
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})

/** Starts a program and waits until it says that it is ready; fails with all that it wrote where it ends before. */
export const launch = async (
  command: ReadonlyArray<string>,
  env: NodeJS.ProcessEnv,
  says: RegExp = listening
): Promise<Launched> => {
  const [file = "", ...args] = command
  const child = spawn(file, args, { env, stdio: ["ignore", "pipe", "pipe"] })
  running.add(child)
  const ended = once(child, "close").then(() => void running.delete(child))
  let written = ""
  let look = () => {}
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      written += chunk
      look()
    })
  }
  const said = new Promise<RegExpExecArray>((resolve) => {
    look = () => {
      const found = says.exec(written)
      if (found === null) return
      // From here on it may write what it likes, and only the last of it is kept.
      written = ""
      look = () => {
        written = written.slice(-2_000)
      }
      resolve(found)
    }
  })
  const found = await Promise.race([said, ended])
  if (found === undefined) throw new Error(`${command.join(" ")} ended with ${child.exitCode}: ${written}`)
  return { child, pid: child.pid ?? 0, said: found, lastWords: () => written }
}

/** The same with a program for Node. */
export const launchNode = (
  args: ReadonlyArray<string>,
  env: NodeJS.ProcessEnv,
  says: RegExp = listening
): Promise<Launched> => launch([process.execPath, ...args], env, says)

export const portOf = ({ said }: Launched): number => Number(said[1])

export const hasEnded = ({ child }: Launched): boolean => child.exitCode !== null || child.signalCode !== null

/** Fails where one of the programs has ended, with what it wrote last. */
export const checkRunning = (programs: ReadonlyArray<Launched>): void => {
  const ended = programs.find(hasEnded)
  if (ended === undefined) return
  const { exitCode, signalCode, spawnargs } = ended.child
  throw new Error(`${spawnargs.join(" ")} ended with ${exitCode ?? signalCode}: ${ended.lastWords()}`)
}

export const kill = async (program: Launched): Promise<void> => {
  if (hasEnded(program)) return
  const { child } = program
  const gone = once(child, "exit")
  child.kill("SIGKILL")
  await gone
}

/** Tries until it is true, every `pause` ms; fails after a minute. */
export const until = async (done: () => Promise<boolean>, pause = 20): Promise<void> => {
  for (const end = performance.now() + 60_000; !(await done()); ) {
    if (performance.now() > end) throw new Error(`Waited for a minute in vain: ${done}`)
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}

/** Waits until a tallykeep can do all of its work, the schema included. */
export const untilReady = (port: number): Promise<void> =>
  until(() => fetch(`http://127.0.0.1:${port}/ready`).then(({ ok }) => ok))
