import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { CliError, Command } from "effect/cli"
import { TestConsole } from "effect/testing"
import { deadLettersCommand } from "../../src/cli/DeadLettersCommand.ts"
import { layerFlagErrors } from "../../src/cli/FlagErrors.ts"
import { pollsCommand } from "../../src/cli/PollsCommand.ts"

const commands = Command.make("tallykeep").pipe(Command.withSubcommands([pollsCommand, deadLettersCommand]))

const run = (args: ReadonlyArray<string>) =>
  Command.runWith(commands, { version: "0.0.0" })(args).pipe(Effect.provide([NodeServices.layer, layerFlagErrors]))

const poll = ["polls", "create", "lunch", "--title", "Lunch?"]
const options = ["--option", "pizza", "--option", "soup"]

describe("the command line", () => {
  it.effect.each<{ args: ReadonlyArray<string>; said: string }>([
    { args: ["polls", "create", "lunch", ...options], said: "--title is missing" },
    { args: ["polls", "create", "--title", "Lunch?"], said: "<slug> is missing" },
    { args: [...poll, "--title", "Dinner?", ...options], said: "--title is there more than once" },
    { args: [...poll, ...options, "--ballot", "no"], said: '--ballot must be open, once or changeable, and is "no"' },
    { args: [...poll, ...options, "--closes-at"], said: "--closes-at needs a value" },
    { args: ["polls", "tokens", "lunch", "--count", "many"], said: '--count must be a whole number, and is "many"' },
    { args: ["polls", "tokens", "lunch", "--count", "1.5"], said: '--count must be a whole number, and is "1.5"' },
    { args: ["polls", "tokens", "lunch", "--count", "0"], said: '--count must be 1 or more, and is "0"' },
    { args: ["dead-letters", "list", "--limit", "-1"], said: '--limit must be 1 or more, and is "-1"' },
    { args: ["polls", "list", "--json=maybe"], said: '--json must be true or false, and is "maybe"' },
    { args: [...poll, "--option", "a=A", "--option", "b=B", "--option", "a=C"], said: 'the id "a" is there twice' },
    { args: [...poll, "--option", "pizza"], said: "--option must have at least 2 options" },
    { args: [...poll, "--option", "=A", "--option", "b=B"], said: "--option 1 (id) must be 1 to 64 of a-z, 0-9 and -" },
    {
      args: [...poll, ...options, "--closes-at", "soon"],
      said: "--closes-at must be a time such as 2026-11-24T20:15:00Z"
    },
    { args: [...poll, ...options, "--ballot", "once"], said: "--identity can't be anyone where the ballot is once" }
  ])("says what is wrong with its flags in words, before it needs a server: $said", ({ args, said }) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(run(args))
      // What the parser refuses has been told; of what it took, the program tells the error.
      const told = CliError.isCliError(error) ? (yield* TestConsole.errorLines).join("\n") : error.message
      assert.include(told, said)
      assert.notMatch(told, /Expected|actual|Schema/)
    })
  )
})
