import { setTimeout as sleep } from "node:timers/promises"
import { Effect, Exit, Redacted, References, Scope } from "effect"
import type { EmbeddedError } from "../../src/embedded/EmbeddedError.ts"
import { identify, isRunning } from "../../src/embedded/Processes.ts"
import type { Server } from "../../src/embedded/ServerProcess.ts"

/** A Redis or a PostgreSQL that comes back with its data after a crash, on another port. */
export interface CrashingServer {
  readonly port: () => number
  /** Returns its address, or the address of a gate to it. */
  url(port?: number): string
  /** Ends it with the signal, and starts it again after `pause` ms. */
  crash(signal: NodeJS.Signals, pause: number): Promise<void>
  close(): Promise<void>
}

type Start = (options: { readonly dataDir: string }) => Effect.Effect<Server, EmbeddedError, Scope.Scope>

export const startServer = async (start: Start, dataDir: string): Promise<CrashingServer> => {
  const begin = async () => {
    const scope = Scope.makeUnsafe()
    const quietly = start({ dataDir }).pipe(
      Scope.provide(scope),
      // It is meant to die.
      Effect.provideService(References.MinimumLogLevel, "None")
    )
    const server = await Effect.runPromise(quietly).catch(async (error: unknown) => {
      await Effect.runPromise(Scope.close(scope, Exit.void))
      throw error
    })
    return { server, stop: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
  }
  let now = await begin()
  let closed = false
  let last: Promise<void> = Promise.resolve()

  const crash = async (signal: NodeJS.Signals, pause: number) => {
    if (closed) return
    const { server, stop } = now
    const identity = identify(server.pid)
    if (identity !== undefined) process.kill(server.pid, signal)
    while (identity !== undefined && isRunning(identity)) await sleep(10)
    await stop()
    await sleep(pause)
    if (!closed) now = await begin()
  }
  return {
    port: () => now.server.port,
    url: (port = now.server.port) => {
      const url = new URL(Redacted.value(now.server.url))
      url.port = `${port}`
      return url.href
    },
    crash: (signal, pause) => {
      last = last.then(() => crash(signal, pause))
      return last
    },
    close: async () => {
      closed = true
      await last.catch(() => undefined)
      await now.stop()
    }
  }
}
