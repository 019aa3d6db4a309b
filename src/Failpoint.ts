import { Effect } from "effect"

/** Set when the program is bundled: whether the failpoints are in it. They never are in what is shipped. */
declare const TALLYKEEP_FAILPOINTS: boolean

/**
 * A place at which a test can have the program killed: `FAILPOINT=<name>:<chance>` in the environment ends it there, as
 * `kill -9` would, with that chance each time it passes. Where the bundle has no failpoints, the call is nothing.
 */
export function failpoint(name: string): void {
  if (TALLYKEEP_FAILPOINTS) {
    const [wanted, chance] = (process.env.FAILPOINT ?? "").split(":")
    if (wanted === name && Math.random() < Number(chance)) process.kill(process.pid, "SIGKILL")
  }
}

/** A place at which a test can have a fiber hang for ever: `STALLPOINT=<name>` in the environment. */
export const stallpoint = (name: string): Effect.Effect<void> =>
  TALLYKEEP_FAILPOINTS && process.env.STALLPOINT === name ? Effect.never : Effect.void
