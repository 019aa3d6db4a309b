import { spawn } from "node:child_process"
import { closeSync, existsSync, openSync, readFileSync, renameSync } from "node:fs"
import { createServer } from "node:net"
import { Effect, Fiber, type Redacted, type Scope } from "effect"
import { attempt, EmbeddedError } from "./EmbeddedError.ts"
import { childrenOf, type Ending, end, type Identity, identify, isRunning, signal } from "./Processes.ts"

/** A server that runs until its scope closes. */
export interface Server {
  readonly pid: number
  readonly port: number
  readonly url: Redacted.Redacted<string>
  readonly logFile: string
  /** Sends a signal to the server and its children: SIGKILL for a crash, SIGSTOP and SIGCONT for a hang. */
  signal(name: NodeJS.Signals): Effect.Effect<void>
  /** Stops it now, as closing the scope would. */
  readonly stop: Effect.Effect<void>
  /** Waits until it has ended, stopped or not. */
  readonly ended: Effect.Effect<void>
}

/** An unprivileged user. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

export interface ServerSpec {
  readonly name: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly account: Account | undefined
  readonly logFile: string
  readonly ending: Ending
  ready(pid: number): Promise<boolean>
}

/** In ms; a long append-only file or a recovery takes its time. */
const readyTimeout = 60_000

// By the real clock, under a test's clock too: the servers know no other.
export const pause = (ms: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const timer = setTimeout(() => resume(Effect.void), ms)
    return Effect.sync(() => clearTimeout(timer))
  })

/** Where ports are chosen: systems give outgoing connections higher ones, which may be taken when a server starts again. */
const [lowestPort, ports] = [10_000, 20_000]

const probe = (port: number): Effect.Effect<number, EmbeddedError> =>
  Effect.callback((resume) => {
    const server = createServer()
    server.once("error", (error) => {
      resume(Effect.fail(new EmbeddedError({ message: `Could not find a free port: ${error.message}` })))
    })
    server.listen(port, "127.0.0.1", () => server.close(() => resume(Effect.succeed(port))))
  })

/** Finds a port of this machine's that nobody listens on. */
export const freePort: Effect.Effect<number, EmbeddedError> = Effect.suspend(() =>
  probe(lowestPort + Math.floor(Math.random() * ports))
).pipe(Effect.retry({ times: 50 }))

// A program that exits without closing its scopes, at a second Ctrl-C say, still tells its servers to end.
const atExit = new Set<() => void>()
const endAll = (): void => {
  for (const tell of atExit) tell()
}

/** Starts a process in a group of its own: Ctrl-C is for the program alone, which ends its servers when it is done. */
const launch = (spec: ServerSpec) => {
  if (existsSync(spec.logFile)) renameSync(spec.logFile, `${spec.logFile}.old`)
  const log = openSync(spec.logFile, "w", 0o600)
  try {
    const { command, args, cwd, env, account } = spec
    const child = spawn(command, args, { cwd, env, ...account, detached: true, stdio: ["ignore", log, log] })
    const state: { ended: string | undefined; stopping: boolean } = { ended: undefined, stopping: false }
    const exited = new Promise<void>((resolve) => {
      child.once("error", (error) => {
        state.ended = error.message
        resolve()
      })
      child.once("exit", (code, signalName) => {
        state.ended = signalName ?? `exit code ${code}`
        resolve()
      })
    })
    const identity: Identity | undefined = child.pid === undefined ? undefined : identify(child.pid)
    const tell = () => {
      const first = spec.ending[0]
      if (identity !== undefined && first !== undefined && isRunning(identity)) signal(identity, first[0])
    }
    if (atExit.size === 0) process.once("exit", endAll)
    atExit.add(tell)
    const stop = Effect.promise(async () => {
      state.stopping = true
      if (identity !== undefined) await end(identity, spec.ending)
      atExit.delete(tell)
      if (atExit.size === 0) process.off("exit", endAll)
    })
    return { state, exited, stop, pid: child.pid ?? -1, identity }
  } finally {
    closeSync(log)
  }
}

/** Returns the last thing that a server has said, which is why it has died unless it was killed. */
const lastWords = (logFile: string): string => {
  const last = existsSync(logFile) ? readFileSync(logFile, "utf8").trimEnd().split("\n").at(-1) : undefined
  return last ? `, saying "${last.slice(-200)}"` : ""
}

/** Runs a server, and waits until it is ready. Should it die before its scope closes, an error is logged. */
export const runServer = Effect.fnUntraced(function* (
  spec: ServerSpec
): Effect.fn.Return<Omit<Server, "port" | "url" | "logFile">, EmbeddedError, Scope.Scope> {
  const { name, logFile } = spec
  const { state, exited, stop, pid, identity } = yield* Effect.acquireRelease(
    attempt(`start ${name}`, () => launch(spec)),
    (launched) => launched.stop
  )
  const deadline = performance.now() + readyTimeout
  for (;;) {
    const failed = state.ended ?? (performance.now() > deadline ? "not ready after a minute" : undefined)
    if (failed !== undefined) {
      return yield* new EmbeddedError({ message: `${name} did not start (${failed}); its log ${logFile} says why.` })
    }
    if (yield* Effect.promise(() => spec.ready(pid))) break
    yield* pause(25)
  }
  const watching = yield* Effect.promise(() => exited).pipe(
    Effect.andThen(() =>
      state.stopping
        ? Effect.void
        : Effect.logError(`${name} has died (${state.ended})${lastWords(logFile)}. Its log is ${logFile}`)
    ),
    Effect.forkScoped
  )
  const signalAll = (signalName: NodeJS.Signals) =>
    Effect.sync(() => {
      if (identity === undefined || !isRunning(identity)) return
      for (const each of [identity, ...childrenOf(pid)]) signal(each, signalName)
    })
  return { pid, stop, ended: Effect.asVoid(Fiber.await(watching)), signal: signalAll }
})

const inUse = /\bin use\b|lock file .* already exists/i

/**
 * Tries again to start a server where its log says that something is in use: a port may be taken between its choice and
 * its use, and what a killed server held, its process among that, may take a moment to be free.
 */
export const retryWhileInUse =
  (logFile: string) =>
  <A, R>(start: Effect.Effect<A, EmbeddedError, R>): Effect.Effect<A, EmbeddedError, R> =>
    start.pipe(
      Effect.tapError(() => pause(100)),
      Effect.retry({ times: 40, while: () => existsSync(logFile) && inUse.test(readFileSync(logFile, "utf8")) })
    )
