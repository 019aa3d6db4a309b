import { setTimeout as sleep } from "node:timers/promises"
import { type Cpu, cpuEach, cpuOf } from "./cpu.ts"
import { openDatabase } from "./database.ts"
import { hasEnded, kill, launch } from "./processes.ts"
import { type Site, serversCpu } from "./site.ts"

/** How fast votes were counted, and what one took of the CPU. */
export interface Counted {
  /** Votes a second. */
  readonly rate: number
  readonly cpu: Cpu
}

/** How often the tally is looked at while votes are counted, in ms. */
const interval = 5
/** Without a vote counted for so long, in ms, something is wrong. */
const patience = 30_000

/**
 * Starts a program on a site whose stream is full, and measures from when the tally first shows votes until it shows
 * `votes` more than it did before: so without the start of the program.
 */
export const measureCounting = async (site: Site, command: ReadonlyArray<string>, votes: number): Promise<Counted> => {
  const serversTake = await serversCpu(site)
  const database = openDatabase(site.env.DATABASE_URL)
  const counted = async (): Promise<number> => {
    const [row] = await database.query<{ sum: string }>("select sum(count)::text as sum from tally")
    return Number(row?.sum)
  }
  const already = await counted()
  const program = await launch(command, { ...site.env, NODE_ENV: "production", ENVIRONMENT: "production" }, /Counting/)
  const cpu = (): Cpu => ({ own: cpuOf(program.pid), ...serversTake() })
  const untilMoreThan = async (bound: number) => {
    for (let last = { counted: already, at: performance.now() }; ; ) {
      const now = { counted: await counted(), at: performance.now() }
      if (now.counted > bound) return { ...now, cpu: cpu() }
      if (now.counted > last.counted) last = now
      if (hasEnded(program) || now.at - last.at > patience) {
        throw new Error(`${command.join(" ")} has stopped counting after ${now.counted - already} of ${votes} votes`)
      }
      await sleep(interval)
    }
  }
  try {
    const up = { counted: already, at: performance.now(), cpu: cpu() }
    const first = await untilMoreThan(already)
    const last = await untilMoreThan(already + votes - 1)
    // So few that all were counted between two looks: then the start of the counting is in it.
    const from = last.counted > first.counted ? first : up
    const done = last.counted - from.counted
    return { rate: (done * 1000) / (last.at - from.at), cpu: cpuEach(from.cpu, last.cpu, done) }
  } finally {
    await database.close()
    await kill(program)
  }
}
