import { Effect } from "effect"
import { elapsedMs } from "../Elapsed.ts"

/** Logs an outage once when it begins and once when it is over, however often it is met in between. */
export interface OutageLog {
  /** Says what can't be done, and why. */
  down(doing: string, why: string): Effect.Effect<void>
  /** Says that it can be done. */
  readonly up: Effect.Effect<void>
}

/** Makes a log for outages that keep us from `what`, such as "Counting"; `of` follows it where several do the same. */
export const makeOutageLog = (what: string, of = ""): OutageLog => {
  let since: number | undefined
  return {
    down: (doing, why) =>
      Effect.clockWith((clock) => {
        if (since !== undefined) return Effect.logDebug(`Still can't ${doing}${of}: ${why}`)
        since = elapsedMs(clock)
        return Effect.logWarning(`Can't ${doing}${of} for now, trying again until it works: ${why}`)
      }),
    up: Effect.clockWith((clock) => {
      if (since === undefined) return Effect.void
      const seconds = (elapsedMs(clock) - since) / 1000
      since = undefined
      return Effect.logInfo(`${what}${of} again after ${seconds.toFixed(1)} s`)
    })
  }
}
