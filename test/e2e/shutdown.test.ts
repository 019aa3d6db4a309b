import { type ClientRequest, type IncomingMessage, request } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { untilWaiting } from "../support/locks.ts"
import { launchProgram, startApi, startConsumer } from "../support/processes.ts"
import { within } from "../support/within.ts"
import { get, vote } from "./call.ts"
import { holdLedger, untilInHand } from "./hold.ts"
import { expectCounted, makeSite, patiently, type Site, untilReady } from "./site.ts"

/** Sends a request with only the first half of its body. */
const beginVote = (url: string) =>
  Effect.callback<{ readonly begun: ClientRequest; readonly answer: Promise<IncomingMessage> }>((resume) => {
    const headers = { "content-type": "application/json", "content-length": 17 }
    const begun = request(`${url}/api/vote`, { method: "POST", headers })
    const answer = new Promise<IncomingMessage>((answered, failed) => {
      begun.on("response", answered)
      begun.on("error", failed)
    })
    begun.write('{"option"', () => resume(Effect.succeed({ begun, answer })))
  })

/** The reading connections carry their consumer's name, which is the stream's here. */
const expectWaiting = ({ redis, stream }: Site) =>
  Effect.promise(async () => {
    const connections = String(await redis.client("LIST")).split("\n")
    const reading = connections.filter((line) => line.includes(` name=${stream}-`))
    assert.isAbove(reading.length, 0)
    for (const line of reading) assert.match(line, / flags=b /)
  })

/** What makes a program signal itself in the middle of being loaded. */
const signalWhileLoading = `data:text/javascript,${encodeURIComponent(`
  import fs from "node:fs"
  import { syncBuiltinESMExports } from "node:module"
  const { readFileSync } = fs
  fs.readFileSync = (path, ...more) => {
    if (/program-\\w+\\.js$/.test(path)) process.kill(process.pid, "SIGTERM")
    return readFileSync(path, ...more)
  }
  syncBuiltinESMExports()
`)}`

describe("a shutdown", () => {
  it.live("is heard of while the program is being loaded", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const consumer = yield* launchProgram(["--role=consumer"], {
        env: { ...site.env, NODE_OPTIONS: `--import=${signalWhileLoading}` }
      })
      assert.deepStrictEqual(yield* consumer.ended, { code: 0, signal: null })
      assert.notMatch(consumer.stdout() + consumer.stderr(), /WARN|ERROR/)
    })
  )

  it.live("of an idle consumer takes less than 2 s, however long its reads wait", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const consumer = yield* startConsumer({
        env: { ...site.env, BLOCK_MS: "60000", CONSUMER_NAME: site.stream }
      })
      yield* patiently(expectWaiting(site))
      consumer.signal("SIGTERM")
      assert.deepStrictEqual(yield* within(2_000, consumer.ended), { code: 0, signal: null })
    })
  )

  it.live("answers a request that was begun, and closes its connection", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const api = yield* startApi("api", { env: site.env })
      yield* untilReady(api.url)
      const { answer, begun } = yield* beginVote(api.url)
      yield* get(`${api.url}/health`)
      api.signal("SIGTERM")
      yield* api.says(/Shutting down/)
      begun.end(':"cats"}')
      const { headers, statusCode } = yield* Effect.promise(() => answer)
      assert.deepStrictEqual([statusCode, headers.connection], [201, "close"])
      assert.deepStrictEqual(yield* api.ended, { code: 0, signal: null })
    })
  )

  it.live("first says so at /ready while it still takes votes; a second signal ends it at once", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const api = yield* startApi("api", { env: { ...site.env, SHUTDOWN_DELAY: "20s" } })
      yield* untilReady(api.url)
      api.signal("SIGTERM")
      yield* api.says(/Shutting down/)
      const ready = yield* get(`${api.url}/ready`)
      assert.deepStrictEqual([ready.status, ready.body.status], [503, "shutting down"])
      const accepted = yield* vote(api.url, "dogs")
      assert.deepStrictEqual([accepted.status, accepted.headers.connection], [201, "close"])

      api.signal("SIGTERM")
      assert.deepStrictEqual(yield* within(2_000, api.ended), { code: 143, signal: null })
      assert.include(api.stderr(), "SIGTERM again")
    })
  )

  it.live("that takes too long ends with 1 and says what is still open, and nothing is lost", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const stuck = yield* startApi("all", { env: { ...site.env, SHUTDOWN_TIMEOUT: "500ms" } })
      yield* untilReady(stuck.url)
      const { release } = yield* holdLedger(site)
      const { body } = yield* vote(stuck.url, "cats")
      yield* untilInHand(site)

      stuck.signal("SIGTERM")
      assert.deepStrictEqual(yield* stuck.ended, { code: 1, signal: null })
      assert.match(stuck.stderr(), /longer than 0\.5 s; still open: .*the consumer pool/)

      yield* startConsumer({ env: { ...site.env, CLAIM_IDLE_MS: "200" } })
      yield* release
      const receipt = { voteId: `${body.vote_id}`, streamId: `${body.stream_id}` }
      assert.strictEqual(yield* expectCounted(site, [receipt]), 1)
    })
  )

  it.live("of a command that is not done is no success", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const { release } = yield* holdLedger(site)
      const audit = yield* launchProgram(["audit"], site)
      yield* Effect.provideService(
        patiently(untilWaiting("relation", "AccessShareLock")),
        SqlClient.SqlClient,
        site.sql
      )
      audit.signal("SIGTERM")
      assert.deepStrictEqual(yield* audit.ended, { code: 130, signal: null })
      assert.strictEqual(audit.stderr(), "Interrupted before it was done\n")
      yield* release
    })
  )

  it.live("waits for the batch in hand", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const { url } = yield* startApi("api", { env: site.env })
      const consumer = yield* startConsumer({ env: site.env })
      yield* untilReady(url)
      const { release } = yield* holdLedger(site)
      const { body } = yield* vote(url, "cats")
      yield* untilInHand(site)
      consumer.signal("SIGTERM")
      yield* release
      assert.deepStrictEqual(yield* consumer.ended, { code: 0, signal: null })
      const receipt = { voteId: `${body.vote_id}`, streamId: `${body.stream_id}` }
      assert.strictEqual(yield* expectCounted(site, [receipt]), 1)
    })
  )
})
