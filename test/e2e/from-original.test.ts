import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { makeOriginal, originalEntry, originalGroup } from "../support/original.ts"
import { launchProgram, startApi } from "../support/processes.ts"
import { get, vote } from "./call.ts"
import { makeSite, patiently, untilReady } from "./site.ts"

describe("a site that takes over from the original", () => {
  it.live("counts on from where that stopped, with every entry accounted for", () =>
    Effect.gen(function* () {
      const { env, redis, stream } = yield* makeSite()
      const original = yield* makeOriginal
      yield* original.run("insert into votes values ('cats', 60), ('dogs', 40)")
      yield* Effect.promise(async () => {
        for (let index = 0; index < 100; index++) {
          await redis.xadd(stream, "*", ...originalEntry(index < 60 ? "cats" : "dogs"))
        }
        await redis.xgroup("CREATE", stream, originalGroup, "$")
        await redis.xadd(stream, "*", ...originalEntry("dogs"))
      })
      const run = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
        const program = yield* launchProgram(args, { env })
        const { code } = yield* program.ended
        return { code, stdout: program.stdout(), stderr: program.stderr() }
      })

      const importIt = run("import-original", "--from", Redacted.value(original.url))
      const first = yield* importIt
      assert.deepInclude(first, { code: 0, stderr: "" })
      assert.match(first.stdout, /^Taken over: 100 votes of cats-or-dogs from .*, table votes, .* 100 entries/)
      const second = yield* importIt
      assert.strictEqual(second.code, 0)
      assert.match(second.stdout, /^Nothing is done: taken over already, 100 votes/)

      const api = yield* startApi("all", { env })
      yield* untilReady(api.url)
      yield* vote(api.url, "cats")
      yield* patiently(
        Effect.gen(function* () {
          const { body } = yield* get(`${api.url}/api/results`)
          const results = [
            { option: "cats", count: 61, percentage: 59.8 },
            { option: "dogs", count: 41, percentage: 40.2 }
          ]
          assert.deepInclude(body, { results, total_votes: 102, pending: 0 })
        })
      )
      const audited = yield* run("audit", "--all")
      assert.strictEqual(audited.code, 0, audited.stdout)
      assert.match(audited.stdout, /entries appended {4}102\n.*ledger: counted {5}2\n.*imported {12}100\n/s)
      assert.match(audited.stdout, /Imported from .*, table votes at .*: 100 votes, of 100 entries/)
      const made = yield* run("polls", "create", "lunch", "--title", "Lunch?", "--option", "Soup", "--option", "Salad")
      assert.match(made.stdout, /^lunch: Lunch\? \(open\)\n(.*\n)* {2}at http:\/\/localhost:\d+\/polls\/lunch\n$/)
      const exported = yield* run("polls", "export", "--votes", "cats-or-dogs")
      assert.include(exported.stderr, "100 votes are not in it: they were counted by the original")
    }).pipe(Effect.scoped)
  )
})
