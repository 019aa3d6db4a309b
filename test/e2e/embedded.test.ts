import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { endOrphans } from "../../src/embedded/Embedded.ts"
import { identify, isRunning } from "../../src/embedded/Processes.ts"
import { dataFolder } from "../support/dataFolder.ts"
import { startApi } from "../support/processes.ts"
import { quiet } from "../support/servers.ts"
import { get, vote } from "./call.ts"
import { patiently, untilReady } from "./site.ts"

/** Returns the servers that run on a data folder. */
const servers = (dataDir: string) => {
  const found = ["redis/redis.pid", "postgres/data/postmaster.pid"].map((file) =>
    identify(Number.parseInt(readFileSync(join(dataDir, file), "utf8"), 10))
  )
  return found.flatMap((server) => (server === undefined ? [] : [server]))
}

const expectVotes = (url: string, votes: number) =>
  patiently(
    Effect.gen(function* () {
      const { body } = yield* get(`${url}/api/results`)
      assert.deepInclude(body, { total_votes: votes, pending: 0 })
    })
  )

describe("without any URL", () => {
  it.live(
    "the program brings its own servers, keeps votes when it is killed, and leaves nothing running when it stops",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* dataFolder
        // If this fails half-way, the program is killed but its servers are still there.
        yield* Effect.addFinalizer(() => Effect.ignore(endOrphans(dataDir)).pipe(Effect.provide(quiet)))
        // The killed one's batch is taken over soon. This one starts as from a terminal, which signals the whole group.
        const start = (env: Readonly<Record<string, string>> = {}) =>
          Effect.tap(
            startApi("all", { env: { DATA_DIR: dataDir, CLAIM_IDLE_MS: "300", ...env }, ownGroup: true }),
            ({ url }) => untilReady(url)
          )
        const killed = yield* start()
        assert.strictEqual((yield* vote(killed.url, "cats")).status, 201)
        killed.signalGroup("SIGKILL")
        yield* killed.ended
        const orphans = servers(dataDir)
        assert.lengthOf(orphans, 2)

        const second = yield* start()
        assert.deepStrictEqual(orphans.filter(isRunning), [])
        yield* expectVotes(second.url, 1)
        assert.strictEqual((yield* vote(second.url, "dogs")).status, 201)
        const running = servers(dataDir)
        assert.lengthOf(running, 2)
        second.signalGroup("SIGINT")
        assert.deepStrictEqual(yield* second.ended, { code: 0, signal: null })
        assert.notMatch(second.stderr(), /warning/i)
        assert.deepStrictEqual(running.filter(isRunning), [])

        const third = yield* start({ SHUTDOWN_DELAY: "20s" })
        yield* expectVotes(third.url, 2)
        const last = servers(dataDir)
        assert.lengthOf(last, 2)
        third.signalGroup("SIGINT")
        yield* third.says(/Shutting down/)
        third.signalGroup("SIGINT")
        assert.deepStrictEqual(yield* third.ended, { code: 130, signal: null })
        yield* patiently(Effect.sync(() => assert.deepStrictEqual(last.filter(isRunning), [])))
      })
  )

  it.live("the program ends its servers with itself when its terminal is closed", () =>
    Effect.gen(function* () {
      const dataDir = yield* dataFolder
      yield* Effect.addFinalizer(() => Effect.ignore(endOrphans(dataDir)).pipe(Effect.provide(quiet)))
      const program = yield* startApi("all", { env: { DATA_DIR: dataDir }, ownGroup: true })
      yield* untilReady(program.url)
      assert.strictEqual((yield* vote(program.url, "cats")).status, 201)
      const running = servers(dataDir)
      assert.lengthOf(running, 2)
      program.signalGroup("SIGHUP")
      assert.deepStrictEqual(yield* program.ended, { code: 0, signal: null })
      assert.deepStrictEqual(running.filter(isRunning), [])

      const again = yield* startApi("all", { env: { DATA_DIR: dataDir }, ownGroup: true })
      yield* untilReady(again.url)
      yield* expectVotes(again.url, 1)
      assert.notMatch(again.stderr() + again.stdout(), /was killed/)
      again.signalGroup("SIGHUP")
      assert.deepStrictEqual(yield* again.ended, { code: 0, signal: null })
    })
  )
})
