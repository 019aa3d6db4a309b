import { readFileSync } from "node:fs"
import { Redacted } from "effect"

/** The files that secrets were read from. */
const files = new WeakMap<object, string>()

/** Reads a secret from a file, without the blanks and line ends around it; throws where that can't be read. */
export const readSecretFile = (path: string): string => readFileSync(path, "utf8").trim()

/** Says of a file that it can't be read, and why by the system's code. */
export const unreadable = (error: unknown): string =>
  `can't be read${error instanceof Error && "code" in error ? ` (${error.code})` : ""}`

/** Remembers where a secret came from. */
export const cameFrom = (secret: Redacted.Redacted<unknown>, path: string): void => {
  files.set(secret, path)
}

/**
 * Makes a function that reads a file anew, since what is in it is replaced while the program runs. While it can't be read, or
 * there is nothing right in it, the function returns what was right last: `known`, to begin with.
 */
export const makeLatestOf = <A>(path: string, known: A, parse: (text: string) => A | undefined): (() => A) => {
  let right = known
  return () => {
    try {
      const text = readSecretFile(path)
      right = (text === "" ? undefined : parse(text)) ?? right
    } catch {
      // It may be back next time.
    }
    return right
  }
}

/** Makes a function that returns what a secret says now: what its file has, where it came from one. */
export const makeLatest = <A>(secret: Redacted.Redacted, parse: (text: string) => A | undefined): (() => A) => {
  const known = parse(Redacted.value(secret))
  if (known === undefined) throw new Error("A secret is wrong, which the settings were checked for")
  const path = files.get(secret)
  return path === undefined ? () => known : makeLatestOf(path, known, parse)
}
