import { spawn } from "node:child_process"
import { Effect } from "effect"
import { EmbeddedError } from "./EmbeddedError.ts"
import type { Account } from "./ServerProcess.ts"

/** Runs one of PostgreSQL's programs to its end. Where it fails, the error holds the end of what it wrote. */
export const runTool = (options: {
  readonly doing: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly account: Account | undefined
  readonly input?: string
}): Effect.Effect<void, EmbeddedError> =>
  Effect.callback((resume) => {
    const { command, args, cwd, env, account } = options
    let output = ""
    const fail = (why: string) =>
      resume(
        Effect.fail(
          new EmbeddedError({
            message: `Could not ${options.doing}: ${why}. Set DATABASE_URL to use a PostgreSQL that runs already.`
          })
        )
      )
    const child = spawn(command, args, { cwd, env, ...account, detached: true, stdio: ["pipe", "pipe", "pipe"] })
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output = (output + chunk).slice(-2_000)
      })
    }
    child.once("error", (error) => fail(error.message))
    child.once("close", (code, signal) => {
      if (code === 0) resume(Effect.void)
      else fail(`${signal ?? `exit code ${code}`}: ${output.trim()}`)
    })
    // A program that has ended already shows by its exit code.
    child.stdin.on("error", () => undefined)
    child.stdin.end(options.input ?? "")
    return Effect.sync(() => {
      // Its children too, which are in its process group.
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL")
    })
  })
