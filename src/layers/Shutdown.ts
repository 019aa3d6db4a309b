import { Effect, Layer } from "effect"

/** The parts that are open, in the order in which they were started. */
const open = new Set<string>()

/** Returns the parts that are still open, for the log line of a shutdown that took too long. */
const stillOpen = (): ReadonlyArray<string> => [...open]

/** Keeps `name` among the open parts from before the layer is built until after all of it is closed. */
export const tracked =
  (name: string) =>
  <A, E, R>(layer: Layer.Layer<A, E, R>): Layer.Layer<A, E, R> =>
    layer.pipe(
      Layer.provide(
        Layer.effectDiscard(
          Effect.acquireRelease(
            Effect.sync(() => open.add(name)),
            () => Effect.sync(() => open.delete(name))
          )
        )
      )
    )

/**
 * Bounds the shutdown from the first signal on: after `timeout` ms a line says what is still open, and the process ends
 * with 1; a second signal ends it at once. The first signal itself closes the program's layers. SIGHUP, as of a terminal
 * that is closed, is taken for SIGTERM.
 */
export const installShutdown = (timeout: number): void => {
  let asked = false
  const onSignal = (signal: "SIGINT" | "SIGTERM") => {
    if (asked) {
      console.error(`${signal} again: ending at once`)
      process.exit(signal === "SIGINT" ? 130 : 143)
    }
    asked = true
    setTimeout(() => {
      console.error(`The shutdown took longer than ${timeout / 1000} s; still open: ${stillOpen().join(", ")}`)
      process.exit(1)
    }, timeout).unref()
  }
  process.on("SIGINT", onSignal)
  process.on("SIGTERM", onSignal)
  process.on("SIGHUP", () => process.emit("SIGTERM", "SIGTERM"))
}
