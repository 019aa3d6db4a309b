import { type ChildProcess, spawn } from "node:child_process"
import { createWriteStream } from "node:fs"
import { fileURLToPath } from "node:url"
import { nodeFlags } from "../support/nodeFlags.ts"

export interface ProgramSpec {
  readonly name: string
  readonly role: "api" | "consumer"
  /** Returns the environment for a life, by its number. */
  readonly env: (life: number) => Readonly<Record<string, string>>
  readonly logFile: string
  /** Called when it has ended and nobody wanted it to. */
  readonly onSurprise: (problem: string) => void
}

/** One process of tallykeep, which is started again and again. */
export interface Program {
  readonly name: string
  /** Which life it is in, from 1. */
  readonly life: () => number
  /** The address at which its present life listens. */
  readonly url: () => string
  /** Runs one task after the other, so that a process is hit by one fault at a time. */
  exclusive(action: () => Promise<void>): Promise<void>
  /** Starts it. `started` resolves to true once it says that it is up, and to false if it ends or a while passes. */
  launch(failpoint?: string): { readonly started: Promise<boolean> }
  /** Sends a signal that it survives. */
  signal(name: "SIGSTOP" | "SIGCONT"): void
  kill(): Promise<void>
  /** Asks it to stop, kills it if it does not end in time, and returns how it ended. */
  terminate(): Promise<string>
  /** Returns whether it ends by itself within so many ms. */
  endsWithin(ms: number): Promise<boolean>
  /** Kills it for good. */
  close(): Promise<void>
}

export const main = fileURLToPath(new URL("../../dist-failpoints/main.js", import.meta.url))

/** In ms. */
const startTimeout = 20_000
const stopTimeout = 40_000
const restartPause = 500

const running = new Set<ChildProcess>()
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})

const within = <A>(promise: Promise<A>, ms: number): Promise<A | undefined> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

interface Life {
  readonly child: ChildProcess
  /** How it ended: "exit code 0", or by which signal. */
  readonly ended: Promise<string>
  /** Whether its end is wanted. */
  doomed: boolean
}

export const makeProgram = (spec: ProgramSpec): Program => {
  const log = createWriteStream(spec.logFile, { flags: "a" })
  let lives = 0
  let life: Life | undefined
  let url = ""
  let closed = false
  let last: Promise<void> = Promise.resolve()

  const launch = (failpoint?: string) => {
    if (closed) return { started: Promise.resolve(false) }
    const env = {
      PATH: process.env.PATH,
      ...spec.env(++lives),
      ...(failpoint === undefined ? {} : { FAILPOINT: failpoint })
    }
    // In a group of its own: Ctrl-C is for the run, which ends it.
    const child = spawn(process.execPath, [...nodeFlags, main, `--role=${spec.role}`], {
      env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"]
    })
    running.add(child)
    log.write(`--- life ${lives}, process ${child.pid}, ${failpoint ?? "no failpoint"}\n`)
    const ended = new Promise<string>((resolve) => {
      child.once("error", (error) => resolve(error.message))
      child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`))
    })
    const present: Life = { child, ended, doomed: failpoint !== undefined }
    life = present
    ended.then((how) => {
      running.delete(child)
      log.write(`--- ended: ${how}\n`)
      if (present.doomed || closed) return
      spec.onSurprise(`${spec.name} has ended by itself: ${how}`)
      setTimeout(() => launch(), restartPause)
    })
    const said = new Promise<boolean>((resolve) => {
      child.stdout?.on("data", (chunk) => {
        log.write(chunk)
        const words = /Counting votes|Listening on (http:\/\/[\w.:]+)/.exec(`${chunk}`)
        if (words?.[1] !== undefined) url = words[1]
        if (words !== null) resolve(true)
      })
    })
    child.stderr?.on("data", (chunk) => log.write(chunk))
    return { started: within(Promise.race([said, ended]), startTimeout).then((first) => first === true) }
  }

  const end = async (signal: NodeJS.Signals, patience: number): Promise<string> => {
    if (life === undefined) return "never started"
    life.doomed = true
    life.child.kill(signal)
    const how = await within(life.ended, patience)
    if (how !== undefined) return how
    life.child.kill("SIGKILL")
    await life.ended
    return `no end within ${patience / 1000} s`
  }
  const kill = async () => {
    await end("SIGKILL", stopTimeout)
  }

  return {
    name: spec.name,
    life: () => lives,
    url: () => url,
    exclusive: (action) => {
      last = last.then(() => (closed ? undefined : action()))
      return last
    },
    launch,
    signal: (name) => void life?.child.kill(name),
    kill,
    terminate: () => end("SIGTERM", stopTimeout),
    endsWithin: async (ms) => life !== undefined && (await within(life.ended, ms)) !== undefined,
    close: async () => {
      closed = true
      await kill()
      log.end()
    }
  }
}
