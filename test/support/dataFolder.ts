import { createHash } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs"
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
