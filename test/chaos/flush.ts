import { setTimeout as sleep } from "node:timers/promises"
import { drain } from "./after.ts"
import { startClients } from "./clients.ts"
import { eventually } from "./eventually.ts"
import { withRedis } from "./group.ts"
import { makeRandom } from "./random.ts"
import { makeRecoveries } from "./recoveries.ts"
import { listed } from "./report.ts"
import type { RunOptions } from "./run.ts"
import type { Site } from "./site.ts"
import { judge } from "./verdict.ts"
import { watchTally } from "./watch.ts"

/** In ms. */
const acceptTimeout = 30_000
/** For the database to finish what killed consumers had sent it, and for a backlog to grow, in ms. */
const pause = 1_500

/**
 * Votes, and once in between deletes everything in Redis while part of it is not counted. By design, that loses the votes
 * that the ledger does not have by then. The run is good if exactly those are lost and the audit notices.
 */
export const runFlush = async (site: Site, { rate, seconds, seed }: RunOptions): Promise<boolean> => {
  const watch = watchTally(site, makeRecoveries())
  const options = { apis: site.apis.map(({ program }) => program.url), rate, onAccepted: () => undefined }
  const before = startClients({ ...options, random: makeRandom(seed) })
  try {
    await sleep((seconds * 1_000) / 2)
    await Promise.all(site.consumers.map(({ program }) => program.kill()))
    await sleep(pause)
    before.stop()
    await eventually(() => before.open() === 0, acceptTimeout)
    // Nobody counts now, so these are the votes that the flush costs.
    const uncounted = new Set((await judge(site, before.accepted)).lost)
    const entries = await withRedis(site.redis.url(), async (client) => {
      const length = await client.xlen("votes")
      await client.flushall()
      return length
    })
    console.log(`Deleted everything in Redis: ${entries} entries in the stream, ${uncounted.size} votes not counted`)

    const after = startClients({ ...options, random: makeRandom(seed + 1), keys: "after" })
    for (const { program } of site.consumers) await program.launch().started
    await sleep((seconds * 1_000) / 2)
    after.stop()
    await eventually(() => after.open() === 0, acceptTimeout)
    const accepted = new Map([...before.accepted, ...after.accepted])
    await drain(site, watch, accepted.size - uncounted.size)
    after.close()

    const { counted, duplicates, lost, tally } = await judge(site, accepted)
    const audit = await site.audit()
    const exact = lost.length === uncounted.size && lost.every((vote) => uncounted.has(vote))
    console.log(
      [
        listed("Lost, each a receipt that neither the ledger nor the stream knows", lost, lost.length),
        `accepted ${accepted.size}, counted ${counted}, tally ${tally}, duplicates ${duplicates.length}`,
        `lost ${lost.length}: ${exact ? "exactly" : "NOT"} the votes that were not counted when Redis was emptied`,
        `The audit ${audit.code === 0 ? "noticed NOTHING" : "reports the difference"}: ${audit.output}`,
        listed("PROBLEMS", site.problems)
      ]
        .filter((line) => line !== "")
        .join("\n")
    )
    return exact && uncounted.size > 0 && duplicates.length === 0 && counted === tally && audit.code === 1
  } finally {
    before.close()
    await watch.stop()
  }
}
