import { Context } from "effect"

/** Where something is written, which may be a terminal that a person looks at. */
export interface Output {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** What a command prints to: its result goes to `stdout`, and what only helps a person to `stderr`. */
export const Terminal = Context.Reference<{ readonly stdout: Output; readonly stderr: Output }>(
  "tallykeep/cli/Terminal",
  { defaultValue: () => process }
)
