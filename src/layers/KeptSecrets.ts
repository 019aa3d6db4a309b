import { randomBytes } from "node:crypto"
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Redacted } from "effect"
import type { Settings } from "./Settings.ts"

/**
 * Returns the secret of the settings. Where none is set, production has none, and polls with voters are refused;
 * elsewhere one is made once and kept in the data folder, so that a voter is the same after a restart.
 */
export const findVoterSecret = (settings: Place & Pick<Settings, "voterSecret">) =>
  find(settings, settings.voterSecret, "voter-secret", "VOTER_SECRET")

/** Returns the keys of the settings that sign the public logs, in the same way: without one, production has no logs. */
export const findLogKey = (settings: Place & Pick<Settings, "logKey">) =>
  find(settings, settings.logKey, "log-key", "LOG_KEY")

type Place = Pick<Settings, "dataDir" | "environment">

const find = ({ dataDir, environment }: Place, given: Redacted.Redacted | undefined, name: string, label: string) =>
  Effect.sync((): Redacted.Redacted | undefined =>
    given !== undefined || environment === "production" ? given : Redacted.make(kept(dataDir, name), { label })
  )

/** Returns the secret that a file of the data folder holds, which is made where it is not there yet. */
const kept = (dataDir: string, name: string): string => {
  const file = join(dataDir, name)
  if (!existsSync(file)) make(dataDir, file)
  return readFileSync(file, "utf8")
}

/** The file is complete before it gets its name: of two processes that start at once, one makes it and both read it. */
const make = (dataDir: string, file: string): void => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, randomBytes(32).toString("base64url"), { mode: 0o600 })
  try {
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
  } finally {
    rmSync(draft)
  }
}
