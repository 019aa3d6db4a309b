import { randomBytes } from "node:crypto"
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs"

/** The password kept in `file`, made the first time. */
export const passwordIn = (file: string): string => {
  if (existsSync(file)) return readFileSync(file, "utf8").trim()
  const password = randomBytes(24).toString("hex")
  // Never to be seen half-written, since the database is made with it.
  writeFileSync(`${file}.new`, `${password}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return password
}
