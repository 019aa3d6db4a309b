import { NodeRuntime } from "@effect/platform-node"
import { Cause, Console, Data, Effect, Exit, Runtime } from "effect"
import { reasonOf } from "./domain/ReasonOf.ts"
import { watchOutput } from "./layers/Output.ts"
import { run } from "./layers/Run.ts"
import { type Role, roles } from "./layers/Settings.ts"

const publicFolder = new URL("./public/", import.meta.url)

/** Returns the role where the arguments say nothing else: such a start need not wait for the command line to be loaded. */
const plainRole = ([first, ...more]: ReadonlyArray<string>): Role | undefined =>
  more.length > 0 ? undefined : first === undefined ? "all" : roles.find((role) => first === `--role=${role}`)

/** A wrong setting is for whoever starts the program: EX_CONFIG of sysexits.h. */
const exitConfig = 78

/** An end that has been explained to the person at the terminal. */
class Explained extends Data.TaggedError("Explained")<{ readonly code: number }> {
  override readonly [Runtime.errorReported] = false
  override readonly [Runtime.errorExitCode] = this.code
}

/** Explains an expected failure in a sentence; only a defect of ours shows its trace. */
const explain = (error: { readonly _tag: string; readonly message: string }) => {
  // By itself it says no more than that a question has failed.
  const message = error._tag === "SqlError" ? reasonOf(error) : error.message
  return Effect.andThen(
    message === "" ? Effect.void : Console.error(message),
    new Explained({ code: error._tag === "SettingsError" ? exitConfig : 1 })
  )
}

const fromCli = Effect.gen(function* () {
  const { isExplained, runCli } = yield* Effect.promise(() => import("./cli/Cli.ts"))
  yield* runCli(publicFolder).pipe(
    Effect.catchIf(
      (error) => !isExplained(error),
      (error) => explain(error)
    )
  )
})

watchOutput()
const args = process.argv.slice(2)
const role = plainRole(args)
/** Flags alone are those of a role. */
const isCommand = args[0]?.startsWith("-") === false

const program: Effect.Effect<void, unknown> =
  role === undefined ? fromCli : Effect.catch(run(role, publicFolder), explain)

NodeRuntime.runMain(program, {
  teardown: (exit, onExit) => {
    if (Exit.isSuccess(exit) || !Cause.hasInterruptsOnly(exit.cause)) return Runtime.defaultTeardown(exit, onExit)
    // Told to stop, and stopped in order: that is success for a role. Of a command, nobody knows what it would have said.
    if (!isCommand) return onExit(0)
    console.error("Interrupted before it was done")
    onExit(130)
  }
})
