import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Cause, Console, Data, Effect, Exit, Runtime } from "effect"
import { CliConfig, CliError, Command, Flag, GlobalFlag } from "effect/cli"
import { auditCommand } from "./layers/cli/Audit.ts"
import { deadLettersCommand } from "./layers/cli/DeadLetters.ts"
import { pollsCommand } from "./layers/cli/Polls.ts"
import { run } from "./layers/Run.ts"

const role = Flag.Literals("role", ["api", "consumer", "all"]).pipe(
  Flag.withDescription("api takes votes and shows results, consumer counts, all does both"),
  Flag.withDefault("all")
)

const tallykeep = Command.make("tallykeep", { role }, (flags) =>
  run(flags.role, new URL("./public/", import.meta.url))
).pipe(
  Command.withSubcommands([pollsCommand, auditCommand, deadLettersCommand]),
  Command.withDescription("A voting service where every accepted vote counts exactly once."),
  Command.withExamples([
    {
      command: "node dist/main.js",
      description: "Both roles, with embedded Redis and PostgreSQL unless their URLs are set"
    },
    { command: "node dist/main.js --role=consumer", description: "A process that only counts" }
  ])
)

/** A wrong setting is for whoever starts the program: EX_CONFIG of sysexits.h. */
const exitConfig = 78

/** An end that has been explained to the person at the terminal. */
class Explained extends Data.TaggedError("Explained")<{ readonly code: number }> {
  override readonly [Runtime.errorReported] = false
  override readonly [Runtime.errorExitCode] = this.code
}

/** All but wrong flags, which the command line explains by itself. */
const isExpected = <E>(error: E): error is Exclude<E, CliError.CliError> => !CliError.isCliError(error)

Command.run(tallykeep, { version: process.env.TALLYKEEP_VERSION ?? "0.0.0" }).pipe(
  // What is expected to go wrong is told in a sentence; only a defect of ours shows its trace.
  Effect.catchIf(isExpected, (error) =>
    Effect.andThen(
      error.message === "" ? Effect.void : Console.error(error.message),
      new Explained({ code: error._tag === "SettingsError" ? exitConfig : 1 })
    )
  ),
  Effect.provide(CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] })),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain({
    teardown: (exit, onExit) =>
      // Told to stop, and stopped in order: that is success.
      Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? onExit(0) : Runtime.defaultTeardown(exit, onExit)
  })
)
