import { Effect, type Scope } from "effect"
import type { EmbeddedError } from "./EmbeddedError.ts"
import { pause, type Server } from "./ServerProcess.ts"

/** How long to wait before a server that has died is started again, in ms: twice as long each time, until one has run for a minute. */
const [firstPause, longestPause, longEnough] = [100, 30_000, 60_000]

/**
 * Runs a server until the scope closes. One that dies before, as Redis does when the disk is full, is started again on its port, until
 * that succeeds: all that it has confirmed is there. The first start fails where it can't be.
 */
export const keepRunning = Effect.fnUntraced(function* (
  name: string,
  start: (port?: number) => Effect.Effect<Server, EmbeddedError, Scope.Scope>
): Effect.fn.Return<Server, EmbeddedError, Scope.Scope> {
  const server = yield* start()
  const restart = start(server.port).pipe(
    Effect.tap(() => Effect.logInfo(`${name} runs again`)),
    Effect.flatMap(({ ended }) => ended),
    Effect.catch(({ message }) => Effect.logWarning(`${message} It is tried again`)),
    Effect.scoped
  )
  const keep = Effect.gen(function* () {
    yield* server.ended
    for (let wait = firstPause; ; ) {
      yield* pause(wait)
      const since = performance.now()
      yield* restart
      wait = performance.now() - since > longEnough ? firstPause : Math.min(2 * wait, longestPause)
    }
  })
  // Its end comes before that of the server, which therefore is not taken for a death.
  yield* Effect.forkScoped(keep)
  return server
})
