import { Effect } from "effect"
import { Flag, Prompt } from "effect/cli"
import { CommandFailed } from "./CommandFailed.ts"

/** Leaves out the question. */
export const yes = Flag.Boolean("yes").pipe(
  Flag.withAlias("y"),
  Flag.withDescription("Don't ask"),
  Flag.withDefault(false)
)

/** Asks in a terminal; elsewhere it fails without --yes. */
export const confirm = (yes: boolean, message: string) =>
  Effect.gen(function* () {
    if (yes) return
    const agreed = process.stdin.isTTY === true && (yield* Prompt.run(Prompt.Confirm({ message })))
    if (!agreed) return yield* new CommandFailed({ message: "Nothing was done; --yes does it without asking" })
  })
