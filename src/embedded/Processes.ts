import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"

/** What identifies a process for good: a later one may get its pid, but not with the same time of start. */
export interface Identity {
  readonly pid: number
  readonly started: string
}

/** A signal, and for how long in ms to wait for the process to end after it. */
export type Ending = ReadonlyArray<readonly [signal: NodeJS.Signals, wait: number]>

const linux = process.platform === "linux"

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}

const ps = (...args: ReadonlyArray<string>): string | undefined => {
  try {
    const env = { ...process.env, LC_ALL: "C", TZ: "UTC" }
    return execFileSync("ps", args, { encoding: "utf8", env, stdio: ["ignore", "pipe", "ignore"] }).trim()
  } catch {
    return undefined
  }
}

/** Returns the fields after the command's name in /proc/<pid>/stat: state, parent, …; the 20th is the time of start. */
const stat = (pid: number): ReadonlyArray<string> => {
  const line = read(`/proc/${pid}/stat`) ?? ""
  return line.slice(line.lastIndexOf(")") + 2).split(" ")
}

// Times of start in /proc count from the boot.
const boot = linux ? (read("/proc/sys/kernel/random/boot_id") ?? "").slice(0, 8) : ""

/** Returns the running process `pid`, or undefined where there is none, or only a zombie of it. */
export const identify = (pid: number): Identity | undefined => {
  const [state, started] = linux
    ? [stat(pid)[0], `${boot}-${stat(pid)[19]}`]
    : [ps("-o", "stat=", "-p", `${pid}`), ps("-o", "lstart=", "-p", `${pid}`)]
  return !state || !started || /^[ZXx]/.test(state) ? undefined : { pid, started }
}

export const isRunning = ({ pid, started }: Identity): boolean => identify(pid)?.started === started

/** Returns the command line of the process `pid`, its arguments separated by spaces. */
export const commandLine = (pid: number): string =>
  (linux ? read(`/proc/${pid}/cmdline`)?.replaceAll("\0", " ") : ps("-ww", "-o", "command=", "-p", `${pid}`)) ?? ""

const isDefined = <A>(value: A | undefined): value is A => value !== undefined

export const childrenOf = (parent: number): ReadonlyArray<Identity> => {
  const pids = linux
    ? readdirSync("/proc").filter((name) => /^\d+$/.test(name) && stat(Number(name))[1] === `${parent}`)
    : (ps("-A", "-o", "pid=,ppid=") ?? "").split("\n").flatMap((line) => {
        const [pid, ppid] = line.trim().split(/\s+/)
        return pid !== undefined && ppid === `${parent}` ? [pid] : []
      })
  return pids.map((pid) => identify(Number(pid))).filter(isDefined)
}

/** Sends a signal; that the process is gone already is no error. */
export const signal = ({ pid }: Identity, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error
  }
}

const areGone = async (processes: ReadonlyArray<Identity>, wait: number): Promise<boolean> => {
  for (const deadline = performance.now() + wait; processes.some(isRunning); ) {
    if (performance.now() > deadline) return false
    await sleep(20)
  }
  return true
}

/** Ends a process by one signal after the other until it is gone, and then what is left of its children. */
export const end = async (target: Identity, ending: Ending): Promise<void> => {
  // Another process may have the pid of one that is gone.
  const children = isRunning(target) ? childrenOf(target.pid) : []
  for (const [name, wait] of ending) {
    if (!isRunning(target)) break
    signal(target, name)
    // A stopped process does not see a signal.
    for (const stopped of [target, ...children]) signal(stopped, "SIGCONT")
    if (await areGone([target], wait)) break
  }
  if (await areGone(children, 2_000)) return
  for (const child of children.filter(isRunning)) signal(child, "SIGKILL")
  await areGone(children, 2_000)
}
