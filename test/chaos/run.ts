import { setTimeout as sleep } from "node:timers/promises"
import { checkLog, checkReaders, checkResults, drain } from "./after.ts"
import { startClients } from "./clients.ts"
import { eventually } from "./eventually.ts"
import { commit } from "./faults.ts"
import { watchLogs } from "./logs.ts"
import { judgeOrganiser, startOrganiser } from "./organiser.ts"
import { makeRandom } from "./random.ts"
import { makeRecoveries } from "./recoveries.ts"
import { describe } from "./report.ts"
import { type FaultKind, makeSchedule } from "./schedule.ts"
import type { Site } from "./site.ts"
import { isClean, judge } from "./verdict.ts"
import { judgeVoters, startVoters } from "./voters.ts"
import { watchTally } from "./watch.ts"

export interface RunOptions {
  readonly seconds: number
  readonly seed: number
  /** New votes per second. */
  readonly rate: number
  readonly kinds: ReadonlyArray<FaultKind>
}

/** In ms. */
const progressInterval = 5_000
const settleTimeout = 20_000
const acceptTimeout = 60_000

/** Votes and commits faults for a while; returns whether each vote that got a 201 was counted exactly once. */
export const runChaos = async (site: Site, { kinds, rate, seconds, seed }: RunOptions): Promise<boolean> => {
  const recoveries = makeRecoveries()
  const urls = site.apis.map(({ program }) => program.url)
  const voters = await startVoters(urls, makeRandom(seed + 2))
  const organiser = startOrganiser(urls, makeRandom(seed + 3))
  const faults = new Map<FaultKind, number>(kinds.map((kind) => [kind, 0]))
  const watch = watchTally(site, recoveries)
  const logs = await watchLogs(site)
  const clients = startClients({
    apis: urls,
    rate,
    random: makeRandom(seed + 1),
    onAccepted: (api) => recoveries.success(`api ${api + 1}`)
  })
  const started = performance.now()
  const progress = setInterval(() => {
    const elapsed = `${Math.round((performance.now() - started) / 1000)} s`
    const done = [...faults.values()].reduce((sum, count) => sum + count, 0)
    console.log(
      `${elapsed.padStart(6)}  requests ${clients.requests()}  accepted ${clients.accepted.size}  ` +
        `counted ${watch.counted()}  faults ${done}`
    )
  }, progressInterval)
  try {
    const committing: Array<Promise<void>> = []
    const failures: Array<unknown> = []
    for (const fault of makeSchedule(seed, seconds * 1_000, kinds)) {
      await sleep(Math.max(0, started + fault.at - performance.now()))
      const committed = commit(site, recoveries, fault).then(
        (effect) => void faults.set(fault.kind, (faults.get(fault.kind) ?? 0) + (effect ? 1 : 0)),
        (error: unknown) => void failures.push(error)
      )
      committing.push(committed)
      if (failures.length > 0) throw failures[0]
    }
    await sleep(Math.max(0, started + seconds * 1_000 - performance.now()))
    await Promise.all(committing)
    if (failures.length > 0) throw failures[0]

    // The votes go on until everything works again.
    if (!(await eventually(() => recoveries.open().length === 0, settleTimeout))) {
      for (const { fault, part } of recoveries.open()) site.problems.push(`${part} never worked again after ${fault}`)
    }
    clients.stop()
    voters.stop()
    const closed = organiser.stop()
    const open = () => clients.open() + voters.open()
    if (!(await eventually(() => open() === 0, acceptTimeout))) {
      site.problems.push(`${open()} votes were never accepted`)
    }
    if ((await Promise.race([closed, sleep(acceptTimeout, "late")])) === "late")
      site.problems.push("a poll was never closed, or its votes were never answered")
    await drain(site, watch, clients.accepted.size)
    await checkReaders(site)
    const verdict = await judge(site, clients.accepted)
    await checkResults(site, verdict.counted)
    const audit = await site.audit()
    if (audit.code !== 0) site.problems.push(`the audit ended with ${audit.code}: ${audit.output}`)
    site.problems.push(...(await logs.judge()))
    await checkLog(site)
    site.problems.push(...(await judgeVoters(site, voters)))
    site.problems.push(...(await judgeOrganiser(site, organiser)))
    const { problems } = site
    const audited = audit.code === 0 ? "ok" : "NOT OK"
    console.log(
      `\n${describe({ seed, seconds, faults, clients, organiser, recoveries, verdict, voters, logs, problems, audit: audited })}`
    )
    return isClean(verdict) && problems.length === 0 && clients.wrong.length === 0
  } finally {
    clearInterval(progress)
    clients.close()
    voters.close()
    await Promise.all([watch.stop(), logs.stop()])
  }
}
