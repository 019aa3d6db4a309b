import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { existsSync, realpathSync } from "node:fs"
import { delimiter, join, sep } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, type Scope } from "effect"
import { nodeFlags } from "./nodeFlags.ts"

type Environment = Readonly<Record<string, string>>

/** How a process ended; one of the two is null. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** The built program, running as a process until its scope closes. */
export interface Program {
  readonly pid: number
  /** Return what it has written so far. */
  readonly stdout: () => string
  readonly stderr: () => string
  /** Waits until it has written something; if it ends or 60 s pass, dies with everything that it wrote. */
  says(pattern: RegExp): Effect.Effect<RegExpExecArray>
  readonly signal: (name: NodeJS.Signals) => void
  /** Signals its process group, as Ctrl-C in a terminal does; for a program with a group of its own. */
  readonly signalGroup: (name: NodeJS.Signals) => void
  /** Waits until it has ended; dies if that takes longer than 60 s. */
  readonly ended: Effect.Effect<Ended>
}

export interface ProgramOptions {
  /** The whole environment except PATH. */
  readonly env?: Environment
  /** The Node that runs it; without it, the one that runs the tests. */
  readonly node?: string
  readonly ownGroup?: boolean
  /** The entry of another build. */
  readonly main?: string
  /** The folder it runs in, and the user it runs as, where they differ from the tests' own. */
  readonly cwd?: string
  readonly uid?: number
  readonly gid?: number
}

const shipped = fileURLToPath(new URL("../../dist/main.js", import.meta.url))

const patience = "60 seconds"

const launch = (args: ReadonlyArray<string>, options: ProgramOptions): ChildProcess => {
  const { env, main = shipped, node, ownGroup, ...where } = options
  if (!existsSync(main)) throw new Error(`There is no ${main}: build it first, with \`npm run build\``)
  return spawn(node ?? process.execPath, [...nodeFlags, main, ...args], {
    ...where,
    env: { PATH: process.env.PATH, ...env },
    detached: ownGroup ?? false,
    stdio: ["ignore", "pipe", "pipe"]
  })
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

const kill = (child: ChildProcess): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (hasEnded(child)) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })

/** Starts the program, with arguments as on a command line. */
export const launchProgram = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>,
  options: ProgramOptions = {}
): Effect.fn.Return<Program, never, Scope.Scope> {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => launch(args, options)),
    kill
  )
  const written = { stdout: "", stderr: "" }
  child.stdout?.on("data", (chunk) => {
    written.stdout += chunk
  })
  child.stderr?.on("data", (chunk) => {
    written.stderr += chunk
  })
  const output = () => written.stdout + written.stderr
  const dieWithOutput = (problem: string) =>
    Effect.die(new Error(`tallykeep ${args.join(" ")} ${problem}; it wrote:\n${output()}`))

  const says = (pattern: RegExp) =>
    Effect.callback<RegExpExecArray>((resume) => {
      const look = () => {
        const found = pattern.exec(output())
        if (found !== null) resume(Effect.succeed(found))
      }
      const onClose = () => resume(dieWithOutput(`has ended before it said ${pattern}`))
      child.stdout?.on("data", look)
      child.stderr?.on("data", look)
      child.once("close", onClose)
      look()
      if (child.stdout?.closed && child.stderr?.closed) onClose()
      return Effect.sync(() => {
        child.stdout?.off("data", look)
        child.stderr?.off("data", look)
        child.off("close", onClose)
      })
    }).pipe(
      Effect.timeoutOrElse({ duration: patience, orElse: () => dieWithOutput(`did not say ${pattern} in ${patience}`) })
    )

  // "close" comes after "exit", when all that was written has been read.
  const closed = new Promise<Ended>((resolve) => child.once("close", (code, signal) => resolve({ code, signal })))
  const ended = Effect.promise(() => closed).pipe(
    Effect.timeoutOrElse({ duration: patience, orElse: () => dieWithOutput(`did not end in ${patience}`) })
  )
  const pid = child.pid ?? 0
  return {
    pid,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    says,
    signal: (name) => void child.kill(name),
    signalGroup: (name) => void process.kill(-pid, name),
    ended
  }
})

/** A program that answers HTTP at `url`. */
export interface Api extends Program {
  readonly url: string
}

/** Starts a role that answers HTTP, on a port of its own, and waits until it listens. */
export const startApi = Effect.fnUntraced(function* (
  role: "api" | "all",
  options: ProgramOptions
): Effect.fn.Return<Api, never, Scope.Scope> {
  const program = yield* launchProgram([`--role=${role}`], { ...options, env: { PORT: "0", ...options.env } })
  const [, url = ""] = yield* program.says(/Listening on (http:\/\/[^\s"]+)/)
  return { ...program, url }
})

/** Starts a consumer, and waits until it is up. */
export const startConsumer = Effect.fnUntraced(function* (
  options: ProgramOptions
): Effect.fn.Return<Program, never, Scope.Scope> {
  const program = yield* launchProgram(["--role=consumer"], options)
  yield* program.says(/Counting votes/)
  return program
})

/** Returns a Node from outside the packages, 20 or newer, with its version; undefined if the machine has none. */
export const systemNode = (): { readonly path: string; readonly version: string } | undefined => {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, "node")
    if (folder === "" || !existsSync(path) || realpathSync(path).includes(`${sep}node_modules${sep}`)) continue
    const version = execFileSync(path, ["--version"], { encoding: "utf8" }).trim()
    if (Number.parseInt(version.slice(1), 10) >= 20) return { path, version }
  }
  return undefined
}
