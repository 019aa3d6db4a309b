import { readdirSync, readFileSync } from "node:fs"
import { setPriority } from "node:os"
import { setTimeout as sleep } from "node:timers/promises"

/** A process that is watched while it is fuzzed. */
export interface Watched {
  readonly name: string
  readonly pid: number
  /** Where its health and metrics are. */
  readonly management: string
}

export interface Watch {
  /** What was not as it should be. */
  readonly problems: ReadonlyArray<string>
  /** Stops watching. */
  stop(): Promise<void>
}

/** In ms. */
const interval = 200
const patience = 10_000

/** Asks the health of processes all the time. Whether they are ready is Redis's and PostgreSQL's matter, too. */
export const watchHealth = (all: ReadonlyArray<Watched>): Watch => {
  const problems = new Set<string>()
  let stopped = false
  const look = async ({ management, name }: Watched) => {
    const signal = AbortSignal.timeout(patience)
    const status = await fetch(`${management}/health`, { signal }).then(
      async (answer) => {
        await answer.text()
        return answer.status
      },
      (error: unknown) => String(error)
    )
    if (status !== 200) problems.add(`/health of the ${name} said ${status}`)
  }
  const looking = (async () => {
    while (!stopped) {
      await Promise.all(all.map(look))
      await sleep(interval)
    }
  })()
  return {
    get problems() {
      return [...problems]
    },
    stop: () => {
      stopped = true
      return looking
    }
  }
}

/** The most memory that a process ever had resident, in MiB. */
export const peakMemory = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024

export const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

/** Lets a process have the CPU before this one, which makes the load, and before others if that is allowed. */
export const prefer = (pid: number): void => {
  setPriority(10)
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), -10)
  } catch {
    // Only root may.
  }
}

/** What loop.cjs has measured, in ms. */
export interface LoopReport {
  readonly ticks: number
  readonly max: number
  readonly p999: number
  readonly stops: ReadonlyArray<LoopStop>
}

/** A stop of the event loop, in ms. */
export interface LoopStop {
  /** The time of day at which it ended. */
  readonly until: number
  readonly ms: number
  /** How long the main thread ran. */
  readonly ran: number
  /** How late the timer was. */
  readonly late: number
  /** Whether the thread had waited for a CPU for longer: what had piled up meanwhile was done in one go. */
  readonly starved: boolean
}

export const readLoop = (file: string): LoopReport => JSON.parse(readFileSync(file, "utf8"))
