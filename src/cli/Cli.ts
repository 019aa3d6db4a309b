import { NodeServices } from "@effect/platform-node"
import { Effect } from "effect"
import { CliConfig, CliError, Command, Flag, GlobalFlag } from "effect/cli"
import { run } from "../layers/Run.ts"
import { roles } from "../layers/Settings.ts"
import { auditCommand } from "./AuditCommand.ts"
import { deadLettersCommand } from "./DeadLettersCommand.ts"
import { layerFlagErrors } from "./FlagErrors.ts"
import { importOriginalCommand } from "./ImportOriginalCommand.ts"
import { logCommand } from "./LogCommand.ts"
import { pollsCommand } from "./PollsCommand.ts"
import { recountCommand } from "./RecountCommand.ts"

const role = Flag.Literals("role", roles).pipe(
  Flag.withDescription("api takes votes and shows results, consumer counts, all does both"),
  Flag.withDefault("all")
)

const tallykeep = (publicFolder: URL) =>
  Command.make("tallykeep", { role }, (flags) => run(flags.role, publicFolder)).pipe(
    Command.withSubcommands([
      pollsCommand,
      auditCommand,
      recountCommand,
      deadLettersCommand,
      logCommand,
      importOriginalCommand
    ]),
    Command.withDescription("A voting service where every accepted vote counts exactly once."),
    Command.withExamples([
      {
        command: "node dist/main.js",
        description: "Both roles, with embedded Redis and PostgreSQL unless their URLs are set"
      },
      { command: "node dist/main.js --role=consumer", description: "A process that only counts" }
    ])
  )

/** Runs the role or the command that the arguments of the process name. */
export const runCli = (publicFolder: URL) =>
  Command.run(tallykeep(publicFolder), { version: process.env.TALLYKEEP_VERSION ?? "0.0.0" }).pipe(
    Effect.provide(CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] })),
    Effect.provide([NodeServices.layer, layerFlagErrors])
  )

/** Tells whether an error is about wrong flags, which the command line has explained by itself. */
export const isExplained = CliError.isCliError
