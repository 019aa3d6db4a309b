import { Effect } from "effect"
import { elapsedMs } from "../Elapsed.ts"

/** Logs an outage once when it begins and once when it is over, however often it is met in between. */
export interface OutageLog {
  /** Says what can't be done, and why; `remedy` is what an operator has to do where time alone does not help. */
  down(doing: string, why: string, remedy?: string): Effect.Effect<void>
  /** Says that it can be done. */
  readonly up: Effect.Effect<void>
}

/** How long it is left unsaid that an outage has come back which has just been said, in ms: such a one may come and go ten times a second. */
const silence = 60_000

/** Makes a log for outages that keep us from `what`, such as "Counting"; `of` follows it where several do the same. */
export const makeOutageLog = (what: string, of = ""): OutageLog => {
  let since: number | undefined
  let isSaid = false
  let last = { said: "", at: Number.NEGATIVE_INFINITY }
  const advised = new Set<string>()
  return {
    down: (doing, why, remedy) =>
      Effect.clockWith((clock) => {
        const now = elapsedMs(clock)
        since ??= now
        const said = remedy ?? why
        const isKnown = isSaid ? remedy === undefined || advised.has(remedy) : said === last.said
        if (isKnown && (isSaid || now - last.at < silence)) {
          return Effect.logDebug(`Still can't ${doing}${of}: ${why}`)
        }
        isSaid = true
        last = { said, at: now }
        if (remedy !== undefined) {
          advised.add(remedy)
          return Effect.logError(`Can't ${doing}${of}: ${why}. ${remedy}`)
        }
        return Effect.logWarning(`Can't ${doing}${of} for now, trying again until it works: ${why}`)
      }),
    up: Effect.clockWith((clock) => {
      if (since === undefined) return Effect.void
      const seconds = (elapsedMs(clock) - since) / 1000
      const wasSaid = isSaid
      since = undefined
      isSaid = false
      advised.clear()
      return wasSaid ? Effect.logInfo(`${what}${of} again after ${seconds.toFixed(1)} s`) : Effect.void
    })
  }
}
