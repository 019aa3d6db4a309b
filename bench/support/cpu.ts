import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"

/** CPU time by whose it is, such as `own` or `Redis`. */
export type Cpu = Readonly<Record<string, number>>

interface ProcessInfo {
  readonly parent: number
  /** CPU time of the process, and of its children that have ended, in seconds. */
  readonly cpu: number
  readonly endedChildren: number
}

const linux = process.platform === "linux"
/** The unit of /proc/<pid>/stat, in s: 100 a second on every Linux that Node runs on. */
const tick = 0.01

const fromProc = (pid: number): ProcessInfo | undefined => {
  try {
    // After the name, which may hold anything, in brackets: state, parent, and from the 12th on the times.
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    const time = (index: number) => Number(fields[index]) * tick
    return { parent: Number(fields[1]), cpu: time(11) + time(12), endedChildren: time(13) + time(14) }
  } catch {
    return undefined
  }
}

/** All processes by pid, as ps tells (macOS): without what ended children took. */
const fromPs = (): ReadonlyMap<number, ProcessInfo> => {
  const lines = execFileSync("ps", ["-axo", "pid=,ppid=,time="], { encoding: "latin1" }).trim().split("\n")
  return new Map(
    lines.map((line) => {
      const [pid, parent, time = ""] = line.trim().split(/\s+/)
      // Minutes and seconds, with hours before them where it has come to that.
      const cpu = time.split(":").reduce((sum, part) => sum * 60 + Number(part), 0)
      return [Number(pid), { parent: Number(parent), cpu, endedChildren: 0 }]
    })
  )
}

/** A process's CPU time so far, in s. */
export const cpuOf = (pid: number): number => (linux ? fromProc(pid) : fromPs().get(pid))?.cpu ?? Number.NaN

/** The same of a process that still has all its threads, by the nanosecond where that is known, in s. */
export const threadsCpuOf = (pid: number): number =>
  linux
    ? readdirSync(`/proc/${pid}/task`).reduce(
        (sum, thread) =>
          sum + Number.parseInt(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1"), 10) / 1e9,
        0
      )
    : cpuOf(pid)

export const parentOf = (pid: number): number | undefined => (linux ? fromProc(pid) : fromPs().get(pid))?.parent

/** The CPU time so far of a process and its children, those that have ended included (on macOS they are not), in s. */
export const cpuOfFamily = (pid: number): number => {
  const processes = linux
    ? readdirSync("/proc").flatMap((name) => {
        const info = /^\d+$/.test(name) ? fromProc(Number(name)) : undefined
        return info === undefined ? [] : [[Number(name), info] as const]
      })
    : [...fromPs()]
  return processes
    .filter(([id, { parent }]) => id === pid || parent === pid)
    .reduce((sum, [id, { cpu, endedChildren }]) => sum + cpu + (id === pid ? endedChildren : 0), 0)
}

/** Resident memory of a process, in MB. */
export const residentOf = (pid: number): number =>
  linux
    ? Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024
    : Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "latin1" })) / 1024

/** What each has taken since `before`, for one of `units`, in µs. */
export const cpuEach = (before: Cpu, after: Cpu, units: number): Cpu =>
  Object.fromEntries(
    Object.entries(after).map(([name, seconds]) => [name, ((seconds - (before[name] ?? 0)) / units) * 1e6])
  )
