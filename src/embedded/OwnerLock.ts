import { mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import { attempt, EmbeddedError } from "./EmbeddedError.ts"
import { type Identity, identify, isRunning } from "./Processes.ts"

// An owner is a symbolic link (made at once with what it says, or not at all) named by a number that only rises.
// The highest one says who owns the folder, and stays when it is given back, so that a number is never used for
// two owners: whoever looked before another took over either finds the number taken or sees a higher one afterwards.
const free = "free"

const owners = (lock: string): ReadonlyArray<number> => readdirSync(lock).map(Number).filter(Number.isInteger)

const highest = (lock: string): number => Math.max(0, ...owners(lock))

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code

const ownerOf = (link: string): Identity | undefined => {
  try {
    const [pid, started] = readlinkSync(link).split(" ", 2)
    return pid === free || started === undefined ? undefined : { pid: Number(pid), started }
  } catch (error) {
    // A next owner has removed it.
    if (hasCode(error, "ENOENT")) return undefined
    throw error
  }
}

const tryToOwn = (lock: string, me: Identity, number: number): boolean => {
  const link = join(lock, `${number}`)
  try {
    symlinkSync(`${me.pid} ${me.started}`, link)
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false
    throw error
  }
  if (highest(lock) === number) return true
  rmSync(link, { force: true })
  return false
}

const acquire = (dataDir: string): string => {
  const lock = join(dataDir, "lock")
  mkdirSync(lock, { recursive: true, mode: 0o700 })
  const me = identify(process.pid)
  if (me === undefined) throw new Error("this process is not to be seen in /proc, nor by ps")
  for (;;) {
    const last = highest(lock)
    const owner = ownerOf(join(lock, `${last}`))
    if (owner !== undefined && isRunning(owner)) {
      throw new EmbeddedError({
        message:
          `The data folder ${dataDir} is in use by another tallykeep, process ${owner.pid}. ` +
          "Stop that one, or set DATA_DIR to another folder."
      })
    }
    if (!tryToOwn(lock, me, last + 1)) continue
    for (const former of owners(lock)) if (former <= last) rmSync(join(lock, `${former}`), { force: true })
    return join(lock, `${last + 1}`)
  }
}

const release = (link: string): void => {
  rmSync(`${link}.${free}`, { force: true })
  symlinkSync(free, `${link}.${free}`)
  renameSync(`${link}.${free}`, link)
}

/**
 * Owns the data folder for as long as the scope lives. Fails where a living process owns it; one that was killed owns
 * nothing.
 */
export const ownDataFolder = (dataDir: string): Effect.Effect<void, EmbeddedError, Scope.Scope> =>
  Effect.acquireRelease(
    attempt(`lock the data folder ${dataDir}`, () => acquire(dataDir)),
    // Where the folder is gone, there is nothing to give back.
    (link) => attempt("unlock the data folder", () => release(link)).pipe(Effect.ignore)
  ).pipe(Effect.asVoid)
