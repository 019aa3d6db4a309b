import { setTimeout as sleep } from "node:timers/promises"
import { Effect, Exit, Redacted, References, Scope } from "effect"
import type { EmbeddedError } from "../../src/embedded/EmbeddedError.ts"
import { identify, isRunning } from "../../src/embedded/Processes.ts"
import type { Server } from "../../src/embedded/ServerProcess.ts"

/** A Redis or a PostgreSQL that can be ended, and started again with its data, on another port. */
export interface RestartableServer {
  readonly dataDir: string
  readonly port: () => number
  /** Returns its address, or the address of a gate to it. */
  url(port?: number): string
  /** Ends it with the signal, and waits until it is gone. */
  end(signal: NodeJS.Signals): Promise<void>
  start(): Promise<void>
  /** Stops it in order. */
  stop(): Promise<void>
}

/** What the programs share: a server that is written to and a replica of it, each of which becomes the other now and then. */
export interface Pair {
  /** Where the one is that is written to. */
  readonly port: () => number
  url(port?: number): string
  /** Ends the one that is written to with the signal, and starts it again after `pause` ms. */
  crash(signal: NodeJS.Signals, pause: number): Promise<void>
  /**
   * Makes the replica the one that is written to, once it has everything; the other one refuses writes from then on, and keeps
   * its connections. Returns false where there was no replica that had everything in time.
   */
  demote(): Promise<boolean>
  close(): Promise<void>
}

type Start = (options: { readonly dataDir: string }) => Effect.Effect<Server, EmbeddedError, Scope.Scope>

export const startServer = async (start: Start, dataDir: string): Promise<RestartableServer> => {
  const begin = async () => {
    const scope = Scope.makeUnsafe()
    const stop = () => Effect.runPromise(Scope.close(scope, Exit.void))
    const quietly = start({ dataDir }).pipe(
      Scope.provide(scope),
      // It is meant to die.
      Effect.provideService(References.MinimumLogLevel, "None")
    )
    const server = await Effect.runPromise(quietly).catch(async (error: unknown) => {
      await stop()
      throw error
    })
    return { server, stop }
  }
  let now = await begin()
  return {
    dataDir,
    port: () => now.server.port,
    url: (port = now.server.port) => {
      const url = new URL(Redacted.value(now.server.url))
      url.port = `${port}`
      return url.href
    },
    end: async (signal) => {
      const identity = identify(now.server.pid)
      if (identity !== undefined) process.kill(now.server.pid, signal)
      while (identity !== undefined && isRunning(identity)) await sleep(10)
      await now.stop()
    },
    start: async () => {
      now = await begin()
    },
    stop: () => now.stop()
  }
}

/** Does one thing after the other with the servers of a pair, until it is closed. */
export const makeTurns = () => {
  let closed = false
  let last: Promise<unknown> = Promise.resolve()
  return {
    /** Returns what the task returns; undefined where it did not begin any more. */
    take: <A>(task: () => Promise<A>): Promise<A | undefined> => {
      const turn = last.then(() => (closed ? undefined : task()))
      last = turn.catch(() => undefined)
      return turn
    },
    closed: () => closed,
    close: () => {
      closed = true
      return last
    }
  }
}
