import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"

/** What is taken where the limit can't be found, and at most where there is none. */
const usual = 1_024
const unlimited = 1_048_576

/** Returns the soft limit in the text of `/proc/self/limits` or of `ulimit -n`; undefined where it has none. */
export const parseLimit = (text: string): number | undefined => {
  const [, limit] = /^Max open files +(\d+|unlimited)/m.exec(text) ?? /^(\d+|unlimited)\n?$/.exec(text) ?? []
  if (limit === undefined) return undefined
  return limit === "unlimited" ? unlimited : Math.min(Number(limit), unlimited)
}

/** Returns how many descriptors this process may have open. */
export const maxOpenFiles = (): number => {
  try {
    return parseLimit(readFileSync("/proc/self/limits", "utf8")) ?? usual
  } catch {
    // Not Linux; a shell that the process starts has the same limit.
    return parseLimit(spawnSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }).stdout ?? "") ?? usual
  }
}
