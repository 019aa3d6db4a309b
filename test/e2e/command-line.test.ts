import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { inject } from "vitest"
import manifest from "../../package.json" with { type: "json" }
import { launchProgram } from "../support/processes.ts"

/** EX_CONFIG in sysexits.h. */
const exitConfig = 78

/** Runs the program to its end. */
const run = Effect.fnUntraced(function* (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) {
  const program = yield* launchProgram(args, { env })
  const { code } = yield* program.ended
  return { code, stdout: program.stdout(), stderr: program.stderr() }
})

describe("the command line", () => {
  it.live("names all wrong settings at once, starts nothing and shows no secret", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* run(["--role=all"], {
        PORT: "80000",
        REDIS_URL: "http://:topsecret@127.0.0.1",
        DATABASE_URL: "mysql://root:topsecret@127.0.0.1/votes",
        BATCH_SIZE: "many",
        SHUTDOWN_TIMEOUT: "soon",
        ENVIRONMENT: "prod"
      })
      assert.strictEqual(code, exitConfig)
      assert.strictEqual(stdout, "")
      const named = stderr.split("\n").flatMap((line) => /^ {2}([A-Z_]+) is /.exec(line)?.[1] ?? [])
      assert.deepStrictEqual(named.sort(), [
        "BATCH_SIZE",
        "DATABASE_URL",
        "ENVIRONMENT",
        "PORT",
        "REDIS_URL",
        "SHUTDOWN_TIMEOUT"
      ])
      assert.notInclude(stderr, "topsecret")
    })
  )

  it.live("names a setting that is nearly right where it can't start, and shows no value", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* run(["--role=api"], {
        DATABASE_URI: "postgres://topsecret@127.0.0.1/votes"
      })
      assert.strictEqual(code, exitConfig)
      assert.include(stderr, "DATABASE_URI is set, and is no setting; did you mean DATABASE_URL?")
      assert.notInclude(stdout + stderr, "topsecret")
    })
  )

  it.live.each([
    { role: "api", environment: "development" },
    { role: "consumer", environment: "development" },
    { role: "all", environment: "production" }
  ])("wants the servers' URLs for the role $role in $environment", ({ role, environment }) =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* run([`--role=${role}`], { ENVIRONMENT: environment })
      assert.strictEqual(code, exitConfig)
      assert.strictEqual(stdout, "")
      assert.match(stderr, /REDIS_URL is not set.*DATABASE_URL is not set/s)
    })
  )

  it.live("tells how to use it", () =>
    Effect.gen(function* () {
      const help = yield* run(["--help"])
      assert.strictEqual(help.code, 0)
      assert.match(help.stdout, /--role.*api.*consumer.*all/s)
      // What holds where a flag is left out.
      const tokens = yield* run(["polls", "tokens", "--help"])
      assert.include(tokens.stdout, "How many voters (1)")
      const edit = yield* run(["polls", "edit", "--help"])
      assert.include(edit.stdout, "What is not given stays as it is")
      const version = yield* run(["--version"])
      assert.strictEqual(version.code, 0)
      assert.include(version.stdout, manifest.version)
    })
  )

  it.live("refuses a role that there is not", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* run(["--role=voter"])
      assert.notStrictEqual(code, 0)
      assert.include(stdout + stderr, '--role must be api, consumer or all, and is "voter"')
    })
  )

  it.live("says what was in the way of a question to the database", () =>
    Effect.gen(function* () {
      const env = { REDIS_URL: inject("redisUrl"), DATABASE_URL: "postgres://ann:secret@127.0.0.1:1/votes" }
      const { code, stderr } = yield* run(["dead-letters", "list"], env)
      assert.strictEqual(code, 1)
      assert.match(stderr, /^PgConnection: .*ECONNREFUSED/)
    })
  )

  it.live("waits for no ledger that can't be had, and says why", () =>
    Effect.gen(function* () {
      const absent = new URL(inject("databaseUrl"))
      absent.pathname = "/absent"
      const env = { REDIS_URL: inject("redisUrl"), DATABASE_URL: absent.href }
      const commands = [["audit"], ["log", "show"], ["polls", "list"], ["recount", "--from", "all", "--yes"]]
      for (const command of commands) {
        const { code, stderr } = yield* run(command, env)
        assert.strictEqual(code, 1, command.join(" "))
        assert.match(stderr, /database "absent" does not exist.*Create the database/)
      }
    })
  )

  // test/cli/flagErrors.test.ts has the others.
  it.live.each<{ args: ReadonlyArray<string>; said: string }>([
    { args: ["polls", "tokens", "lunch", "--count", "many"], said: '--count must be a whole number, and is "many"' },
    {
      args: ["polls", "create", "lunch", "--title", "Lunch?", "--option", "pizza"],
      said: "--option must have at least 2 options"
    }
  ])("says what is wrong with its flags in words, before it needs a server: $said", ({ args, said }) =>
    Effect.gen(function* () {
      const { code, stderr } = yield* run(args)
      assert.strictEqual(code, 1)
      assert.include(stderr, said)
      assert.notMatch(stderr, /Expected|actual|Schema/)
    })
  )
})
