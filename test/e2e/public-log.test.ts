import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { launchProgram, startApi, startConsumer } from "../support/processes.ts"
import { teaOrCoffee } from "../support/teaOrCoffee.ts"
import { get, vote } from "./call.ts"
import { makeSite, patiently } from "./site.ts"
import { createPollAt, pollsEnv, tokensAt } from "./voters.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const votes = 300

/** Runs script/verify; returns its exit code and what it says. */
const verify = (...args: ReadonlyArray<string>) =>
  Effect.callback<readonly [code: unknown, output: string]>((resume) => {
    execFile(join(root, "script/verify"), [...args], { cwd: root }, (error, stdout, stderr) =>
      resume(Effect.succeed([error?.code ?? 0, `${stdout}${stderr}`]))
    )
  })

describe("the public log", () => {
  it.live("can be checked by anyone while two consumers write it, and by a voter", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "tallykeep-log-"))),
        (made) => Effect.sync(() => rmSync(made, { recursive: true }))
      )
      const LOG_KEY = randomBytes(32).toString("base64")
      const consumers = yield* Effect.all(
        [1, 2].map((n) =>
          startConsumer({ env: { ...site.env, LOG_KEY, CONSUMER_NAME: `c${n}`, CLAIM_IDLE_MS: "500" } })
        )
      )
      const api = yield* startApi("api", { env: { ...site.env, ...pollsEnv } })
      yield* patiently(Effect.filterOrFail(get(`${api.url}/ready`), ({ status }) => status === 200))
      const cast = yield* Effect.forEach(
        Array.from({ length: votes }, (_, at) => at),
        (at) => patiently(vote(api.url, at % 3 === 0 ? "cats" : "dogs", { "idempotency-key": `key-${at}` })),
        { concurrency: 8 }
      )
      // A vote with a key: its proof is for who knows the key.
      const { vote_id: voteId } = cast[7]?.body ?? assert.fail("no answer")
      const proofOf = (key?: string) =>
        Effect.promise(() =>
          fetch(`${api.url}/api/votes/${voteId}/proof`, {
            headers: key === undefined ? {} : { "idempotency-key": key }
          })
        )
      const proof = yield* patiently(Effect.filterOrFail(proofOf("key-7"), ({ status }) => status === 200))
      writeFileSync(join(folder, "proof"), yield* Effect.promise(() => proof.text()))
      assert.notStrictEqual((yield* proofOf()).status, 200)
      const poll = `${api.url}/polls/cats-or-dogs`
      const checked = yield* patiently(
        Effect.filterOrFail(
          verify("--proof", join(folder, "proof"), "--save", join(folder, "checkpoint"), poll),
          ([code, output]) => code === 0 && output.includes(String(votes))
        )
      )
      assert.strictEqual(checked[0], 0, checked[1])

      yield* createPollAt(api.url, { slug: "lunch", ...teaOrCoffee, ballot: "once", identity: "token" })
      yield* tokensAt(api.url, "lunch", 5)
      const [first, second] = consumers
      first?.signal("SIGKILL")
      yield* vote(api.url, "cats")
      const own = Effect.gen(function* () {
        const program = yield* launchProgram(["log", "verify", "cats-or-dogs"], { env: site.env })
        return { ...(yield* program.ended), output: program.stdout() + program.stderr() }
      })
      const all = `${votes + 1} votes count by them, ${votes + 1} by the ledger`
      yield* patiently(Effect.filterOrFail(own, ({ code, output }) => code === 0 && output.includes(all)))
      // The tallies are as they were.
      yield* site.sql`update vote_event set choice = 'cats' where vote_id = ${voteId}::uuid`
      const changed = yield* own
      assert.notStrictEqual(changed.code, 0)
      assert.include(changed.output, `the vote ${voteId} is counted for cats by the ledger`)
      // It goes on from the checkpoint that was kept.
      yield* patiently(
        Effect.filterOrFail(verify("--checkpoint", join(folder, "checkpoint"), poll), ([code]) => code === 0)
      )
      const shown = yield* launchProgram(["log", "show"], { env: site.env })
      yield* shown.ended
      assert.match(shown.stdout(), /\/api\/polls\/lunch\/log: 2 leaves, 2 of them signed/)
      second?.signal("SIGTERM")
      assert.strictEqual((yield* second?.ended ?? Effect.die("no consumer")).code, 0)
    }).pipe(Effect.scoped)
  )
})
