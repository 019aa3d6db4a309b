import { Effect } from "effect"

/** Whether the bundle has failpoints, which what is shipped never has; the bundler sets it. */
declare const TALLYKEEP_FAILPOINTS: boolean

/**
 * Marks a place at which a test can have the program killed: `FAILPOINT=<name>:<chance>` in the environment ends it there, as
 * `kill -9` would, with that chance each time it passes. Where the bundle has no failpoints, the call does nothing.
 */
export function failpoint(name: string): void {
  if (TALLYKEEP_FAILPOINTS) {
    const [wanted, chance] = (process.env.FAILPOINT ?? "").split(":")
    if (wanted === name && Math.random() < Number(chance)) process.kill(process.pid, "SIGKILL")
  }
}

/** The place at which a test can have a counting fiber hang for ever: `FAILPOINT=stall` in the environment. */
export const stallpoint: Effect.Effect<void> = TALLYKEEP_FAILPOINTS
  ? Effect.suspend(() => (process.env.FAILPOINT === "stall" ? Effect.never : Effect.void))
  : Effect.void
