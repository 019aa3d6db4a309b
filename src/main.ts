import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Cause, Console, Effect, Exit, Runtime } from "effect"
import { Command, Flag } from "effect/cli"
import { run } from "./layers/Run.ts"

const role = Flag.Literals("role", ["api", "consumer", "all"]).pipe(
  Flag.withDescription("api takes votes and shows results, consumer counts, all does both"),
  Flag.withDefault("all")
)

const tallykeep = Command.make("tallykeep", { role }, (flags) =>
  run(flags.role, new URL("./public/", import.meta.url))
).pipe(
  Command.withDescription("A voting service where every accepted vote counts exactly once."),
  Command.withExamples([
    {
      command: "node dist/main.js",
      description: "Both roles, with embedded Redis and PostgreSQL unless their URLs are set"
    },
    { command: "node dist/main.js --role=consumer", description: "A process that only counts" }
  ])
)

/** A wrong setting is for whoever starts the program, as in sysexits.h: EX_CONFIG. */
const exitConfig = 78

Command.run(tallykeep, { version: process.env.TALLYKEEP_VERSION ?? "0.0.0" }).pipe(
  Effect.catchTag("SettingsError", (error) =>
    Effect.andThen(
      Console.error(error.message),
      Effect.sync(() => process.exit(exitConfig))
    )
  ),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain({
    teardown: (exit, onExit) =>
      // Told to stop, and stopped in order: that is success.
      Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? onExit(0) : Runtime.defaultTeardown(exit, onExit)
  })
)
