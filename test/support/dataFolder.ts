import { createHash } from "node:crypto"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, Exit } from "effect"
import { endOrphans } from "../../src/embedded/Embedded.ts"
import { identify } from "../../src/embedded/Processes.ts"

/** What a file system in memory must have free to hold the databases of a whole run. */
const roomBytes = 4 * 2 ** 30

/** A file system in memory, under Linux; undefined where there is none, or no room. */
const memory = (): string | undefined => {
  const folder = "/dev/shm"
  if (!existsSync(folder)) return undefined
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize < roomBytes ? undefined : folder
}

/** The data folders in `parent` of all runs from this checkout, each named after the process that made it. */
const base = (parent: string): string => {
  const checkout = createHash("sha256")
    .update(fileURLToPath(import.meta.url))
    .digest("hex")
    .slice(0, 12)
  const folder = join(parent, `tallykeep-test-${process.getuid?.() ?? 0}-${checkout}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

const makeFolderIn = (parent: string): string => mkdtempSync(join(base(parent), `${process.pid}-`))

/** Makes a data folder on the disk. */
export const makeDataFolder = (): string => makeFolderIn(tmpdir())

/**
 * Makes a data folder in memory where there is room. Nothing that is tested depends on the disk, and a disk that keeps Redis waiting for
 * a second, as while something else is installed, has votes refused.
 */
export const makeFastFolder = (): string => makeFolderIn(memory() ?? tmpdir())

/**
 * Puts the database of a data folder into memory where there is room, whoever runs it: thousands of tables are made and dropped in a
 * run, and every file of them takes a file system on disk longer the more were removed before it.
 */
export const keepInMemory = (dataDir: string): void => {
  const parent = memory()
  if (parent === undefined) return
  const folder = mkdtempSync(join(parent, "tallykeep-test-"))
  // As the program makes it for root.
  chmodSync(folder, 0o755)
  writeFileSync(join(folder, "belongs-to"), dataDir)
  symlinkSync(folder, join(dataDir, "postgres"))
}

/** Removes a data folder together with its database, which is elsewhere if it was made by root. */
export const removeDataFolder = (dataDir: string): void => {
  const database = join(dataDir, "postgres")
  if (existsSync(database)) rmSync(realpathSync(database), { recursive: true, force: true })
  rmSync(dataDir, { recursive: true, force: true })
}

const scoped = (make: () => string) =>
  Effect.acquireRelease(Effect.sync(make), (folder) => Effect.sync(() => removeDataFolder(folder)))

/** Makes a data folder, in memory where there is room; removed with the scope. */
export const dataFolder = scoped(makeFastFolder)

/** Makes a data folder on the disk, as what is measured needs it; removed with the scope. */
export const diskFolder = scoped(makeDataFolder)

/** Ends the servers of runs that were killed, and removes their data. */
export const removeLeftovers = Effect.gen(function* () {
  const bases = new Set([tmpdir(), memory() ?? tmpdir()].map(base))
  for (const folder of [...bases].flatMap((base) => readdirSync(base).map((name) => join(base, name)))) {
    if (identify(Number.parseInt(basename(folder), 10)) !== undefined) continue
    // A folder whose lock can't be taken is another run's.
    if (Exit.isSuccess(yield* Effect.exit(endOrphans(folder)))) removeDataFolder(folder)
  }
})
