import { randomBytes } from "node:crypto"
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs"

/** Returns the password that is kept in `file`, and makes it the first time. */
export const passwordIn = (file: string): string => {
  if (existsSync(file)) return readFileSync(file, "utf8").trim()
  const password = randomBytes(24).toString("hex")
  // Nobody must see it half-written, since the database is made with it.
  writeFileSync(`${file}.new`, `${password}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return password
}
