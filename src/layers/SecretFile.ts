import { readFileSync } from "node:fs"
import { Redacted } from "effect"

/** The files that secrets were read from. */
const files = new WeakMap<object, string>()

/** Reads a secret from a file, without the blanks and line ends around it; throws where that can't be read. */
export const readSecretFile = (path: string): string => readFileSync(path, "utf8").trim()

/** Remembers where a secret came from. */
export const cameFrom = (secret: Redacted.Redacted<unknown>, path: string): void => {
  files.set(secret, path)
}

/**
 * Returns a secret as its file has it now, since passwords are replaced while the program runs. One that came from no file,
 * or whose file can't be read or is empty for the moment, stays as it is.
 */
export const latest = (secret: Redacted.Redacted): Redacted.Redacted => {
  const path = files.get(secret)
  if (path === undefined) return secret
  try {
    const text = readSecretFile(path)
    return text === "" ? secret : Redacted.make(text)
  } catch {
    return secret
  }
}
