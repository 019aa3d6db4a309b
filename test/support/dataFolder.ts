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
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, Exit } from "effect"
import { endOrphans } from "../../src/embedded/Embedded.ts"
import { identify } from "../../src/embedded/Processes.ts"

/** The data folders of all runs from this checkout, each named after the process that made it. */
const base = (): string => {
  const checkout = createHash("sha256")
    .update(fileURLToPath(import.meta.url))
    .digest("hex")
    .slice(0, 12)
  const folder = join(tmpdir(), `tallykeep-test-${process.getuid?.() ?? 0}-${checkout}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

export const makeDataFolder = (): string => mkdtempSync(join(base(), `${process.pid}-`))

/** What a file system in memory must have free to hold the database of a whole run. */
const roomBytes = 4 * 2 ** 30

/**
 * Puts the database of a data folder into memory where there is room, under Linux: thousands of tables are made and dropped in a
 * run, and every file of them takes a file system on disk longer the more were removed before it.
 */
export const keepInMemory = (dataDir: string): void => {
  const memory = "/dev/shm"
  if (!existsSync(memory)) return
  const { bavail, bsize } = statfsSync(memory)
  if (bavail * bsize < roomBytes) return
  const folder = mkdtempSync(join(memory, "tallykeep-test-"))
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

/** Makes a data folder, removed with the scope. */
export const dataFolder = Effect.acquireRelease(Effect.sync(makeDataFolder), (folder) =>
  Effect.sync(() => removeDataFolder(folder))
)

/** Ends the servers of runs that were killed, and removes their data. */
export const removeLeftovers = Effect.gen(function* () {
  for (const name of readdirSync(base())) {
    if (identify(Number.parseInt(name, 10)) !== undefined) continue
    const folder = join(base(), name)
    // A folder whose lock can't be taken is another run's.
    if (Exit.isSuccess(yield* Effect.exit(endOrphans(folder)))) removeDataFolder(folder)
  }
})
