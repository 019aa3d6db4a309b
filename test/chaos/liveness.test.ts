import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { get, vote } from "../e2e/call.ts"
import { ownPostgres } from "../e2e/ownServer.ts"
import { makeSite, patiently, untilReady } from "../e2e/site.ts"
import { launchProgram, startApi } from "../support/processes.ts"
import { main } from "./program.ts"

const build = fileURLToPath(new URL("../../script/build.mjs", import.meta.url))

/** Starts a consumer of the build with failpoints; returns the address of its health. */
const consumerAt = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const program = yield* launchProgram(["--role=consumer"], { main, env: { ...env, MANAGEMENT_PORT: "0" } })
  const [, url = ""] = yield* program.says(/Health and metrics at (http:\/\/\S+)/)
  yield* untilReady(url)
  return `${url}/health`
})

describe("a consumer's health", () => {
  it.live("turns bad when its loop is stuck, and stays well while PostgreSQL is away", () =>
    Effect.gen(function* () {
      execFileSync(process.execPath, [build, "--failpoints"])
      const database = yield* ownPostgres
      const [stuck, waiting] = [yield* makeSite(), yield* makeSite({ databaseUrl: database.url })]
      const stuckHealth = yield* consumerAt({ ...stuck.env, FAILPOINT: "stall", CONSUMER_NAME: "stuck" })
      const waitingHealth = yield* consumerAt(waiting.env)
      const apis = yield* Effect.forEach([stuck, waiting], ({ env }) => startApi("api", { env }))
      for (const url of [stuckHealth, waitingHealth]) {
        const { body, status } = yield* get(url)
        assert.deepStrictEqual({ body, status }, { body: { status: "healthy" }, status: 200 })
      }
      yield* database.crash
      // Each of them has a vote to count, and can't.
      for (const { url } of apis) assert.strictEqual((yield* patiently(vote(url, "cats"))).status, 201)
      const ill = yield* patiently(
        Effect.tap(get(stuckHealth), ({ status }) => Effect.sync(() => assert.strictEqual(status, 503)))
      )
      assert.strictEqual(ill.body.status, "stuck")
      assert.match(String(ill.body.loops), /^stuck-\d+$/)
      assert.strictEqual((yield* get(waitingHealth)).status, 200)
      yield* database.start
      assert.strictEqual((yield* get(waitingHealth)).status, 200)
    })
  )
})
