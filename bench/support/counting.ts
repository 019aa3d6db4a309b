import { setTimeout as sleep } from "node:timers/promises"
import { type Cpu, cpuEach, cpuOf } from "./cpu.ts"
import { hasEnded, kill, launch, until } from "./processes.ts"
import { type Site, serversCpu } from "./site.ts"

/** How fast votes were counted, and what one took of the CPU. */
export interface Counted {
  /** Votes a second. */
  readonly rate: number
  readonly cpu: Cpu
  /** How long it took from when the last one was counted until what was to be waited for besides had come, in ms. */
  readonly later: number
}

/** How often the tally is looked at while votes are counted, in ms. */
const interval = 5
/** Without a vote counted for so long, in ms, something is wrong. */
const patience = 30_000

/** How many of the stream's entries are done with: given out and acked. */
const doneOf = async ({ redis, stream }: Site): Promise<number> => {
  const [group] = (await redis.xinfo("GROUPS", stream)) as ReadonlyArray<ReadonlyArray<unknown>>
  const field = (name: string): number => Number(group?.[group.indexOf(name) + 1] ?? 0)
  return group === undefined ? 0 : field("entries-read") - field("pending")
}

/**
 * Starts a program, once or several times, on a site whose stream is full, and measures from when all are up and votes have
 * been acked until `votes` are: so without the start. What an ack is worth has to be seen in the ledger. The CPU time is that
 * until `done` is true besides.
 */
export const measureCounting = async (
  site: Site,
  command: ReadonlyArray<string>,
  votes: number,
  {
    done = async () => true,
    processes = 1
  }: { readonly done?: () => Promise<boolean>; readonly processes?: number } = {}
): Promise<Counted> => {
  const serversTake = await serversCpu(site)
  const env = { ...site.env, NODE_ENV: "production", ENVIRONMENT: "production" }
  const programs = await Promise.all(Array.from({ length: processes }, () => launch(command, env, /Counting/)))
  const cpu = (): Cpu => ({ own: programs.reduce((sum, { pid }) => sum + cpuOf(pid), 0), ...serversTake() })
  const untilMoreThan = async (bound: number) => {
    for (let last = { counted: 0, at: performance.now() }; ; ) {
      const now = { counted: await doneOf(site), at: performance.now() }
      if (now.counted > bound) return { ...now, cpu: cpu() }
      if (now.counted > last.counted) last = now
      if (programs.some(hasEnded) || now.at - last.at > patience) {
        throw new Error(`${command.join(" ")} has stopped counting after ${now.counted} of ${votes} votes`)
      }
      await sleep(interval)
    }
  }
  try {
    const up = { counted: 0, at: performance.now(), cpu: cpu() }
    const first = await untilMoreThan(0)
    const last = await untilMoreThan(votes - 1)
    // So few that all were counted between two looks: then the start of the counting is in it.
    const from = last.counted > first.counted ? first : up
    const counted = last.counted - from.counted
    await until(done, interval)
    const later = performance.now() - last.at
    return { rate: (counted * 1000) / (last.at - from.at), cpu: cpuEach(from.cpu, cpu(), counted), later }
  } finally {
    await Promise.all(programs.map(kill))
  }
}
