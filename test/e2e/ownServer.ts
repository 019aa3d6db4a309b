import { Effect, type Redacted, Scope } from "effect"
import type { EmbeddedError } from "../../src/embedded/EmbeddedError.ts"
import { startPostgres } from "../../src/embedded/PostgresServer.ts"
import { startRedis } from "../../src/embedded/RedisServer.ts"
import type { Server } from "../../src/embedded/ServerProcess.ts"
import { dataFolder } from "../support/dataFolder.ts"
import { quiet } from "../support/servers.ts"

/** A server for one test, which may stop it and start it again on the same port with the same data. */
export interface OwnServer {
  readonly url: Redacted.Redacted<string>
  readonly start: Effect.Effect<void, EmbeddedError>
  readonly crash: Effect.Effect<void>
  /** Stops it from answering, while it stays there. */
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
}

type Start = (options: {
  readonly dataDir: string
  readonly port?: number
}) => Effect.Effect<Server, EmbeddedError, Scope.Scope>

/** Starts a server for one test, in a data folder of its own or in the given one. */
export const own = Effect.fnUntraced(function* (run: Start, folder?: string) {
  const scope = yield* Effect.scope
  const dataDir = folder ?? (yield* dataFolder)
  // Without log lines about its death, which the test wants.
  const start = (port?: number) =>
    run({ dataDir, ...(port === undefined ? {} : { port }) }).pipe(Scope.provide(scope), Effect.provide(quiet))
  let running = yield* start()
  const { port, url } = running
  return {
    url,
    start: Effect.map(start(port), (server) => {
      running = server
    }),
    // `stop` has nothing left to signal; it waits until all processes of the server are gone.
    crash: Effect.suspend(() => Effect.andThen(running.signal("SIGKILL"), running.stop)),
    freeze: Effect.suspend(() => running.signal("SIGSTOP")),
    thaw: Effect.suspend(() => running.signal("SIGCONT"))
  } satisfies OwnServer
})

export const ownRedis = own(startRedis)

export const ownPostgres = own(startPostgres)
