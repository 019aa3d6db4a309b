import { setTimeout as sleep } from "node:timers/promises"
import type { Recoveries } from "./recoveries.ts"
import type { Site } from "./site.ts"

/** Watches the tally all the time: it grows whenever counting works. */
export interface Watch {
  /** Returns the number of counted votes, as last seen. */
  readonly counted: () => number
  stop(): Promise<void>
}

const interval = 200

export const watchTally = (site: Site, recoveries: Recoveries): Watch => {
  let counted = 0
  let stopped = false
  const look = async () => {
    const [row] = await site.query<{ count: string }>(
      "select coalesce(sum(count), 0)::text as count from tally where poll = 'cats-or-dogs'"
    )
    const now = Number(row?.count ?? 0)
    if (now > counted) recoveries.success("ledger")
    counted = now
  }
  const looking = (async () => {
    while (!stopped) {
      // While PostgreSQL is away there is nothing to see.
      await look().catch(() => undefined)
      await sleep(interval)
    }
  })()
  return {
    counted: () => counted,
    stop: () => {
      stopped = true
      return looking
    }
  }
}
