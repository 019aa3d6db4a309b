import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startApi } from "../support/processes.ts"
import { get, vote } from "./call.ts"
import { makeSite, patiently, untilReady } from "./site.ts"

const preload = fileURLToPath(new URL("steppedClock.cjs", import.meta.url))

describe("a program whose wall clock is set back by an hour", () => {
  it.live("gives allowances back, shows new results and checks its servers as before", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const env = { ...site.env, RATE_LIMIT: "5/3s", NODE_OPTIONS: `--require ${preload}` }
      const program = yield* startApi("all", { env })
      yield* untilReady(program.url)
      assert.strictEqual((yield* vote(program.url, "cats")).status, 201)
      yield* patiently(
        Effect.map(get(`${program.url}/api/results`), ({ body }) => assert.strictEqual(body.total_votes, 1))
      )
      program.signal("SIGUSR2")
      yield* program.says(/The wall clock says/)

      let taken = 1
      for (; ; taken++) {
        const answer = yield* vote(program.url, "cats")
        if (answer.status === 429) {
          assert.isAtMost(Number(answer.headers["retry-after"]), 3)
          break
        }
        assert.strictEqual(answer.status, 201)
      }
      assert.isAtLeast(taken, 5)
      // At most 2 s old, whatever the clock says; the rest allows for a busy machine.
      yield* patiently(
        Effect.map(get(`${program.url}/api/results`), ({ body }) => assert.strictEqual(body.total_votes, taken))
      )
      yield* patiently(Effect.map(vote(program.url, "dogs"), ({ status }) => assert.strictEqual(status, 201)))

      program.signal("SIGTERM")
      assert.deepStrictEqual(yield* program.ended, { code: 0, signal: null })
    })
  )
})
