import { Data } from "effect"

/** A command that can't be carried out as it was given. */
export class CommandFailed extends Data.TaggedError("CommandFailed")<{ readonly message: string }> {}
