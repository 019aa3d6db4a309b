import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Redacted, Scope } from "effect"
import { startLoad } from "../support/load.ts"
import { pgBouncer, startPgBouncer } from "../support/pgbouncer.ts"
import { launchProgram, startApi, startConsumer } from "../support/processes.ts"
import { quiet } from "../support/servers.ts"
import { teaOrCoffee } from "../support/teaOrCoffee.ts"
import { get } from "./call.ts"
import { ownPostgres } from "./ownServer.ts"
import { expectCounted, makeSite, patiently, untilReady } from "./site.ts"
import { castAt, createPollAt, pollsEnv } from "./voters.ts"

describe("behind PgBouncer in transaction mode", () => {
  it.live.skipIf(pgBouncer === undefined)("votes are counted, through restarts of PgBouncer and of PostgreSQL", () =>
    Effect.gen(function* () {
      const postgres = yield* ownPostgres
      const scope = yield* Effect.scope
      // In a scope of its own, so that it can be ended in between.
      const start = Effect.fnUntraced(function* (port?: number) {
        const own = yield* Scope.fork(scope)
        const bouncer = yield* Scope.provide(startPgBouncer(postgres.url, port), own)
        return { ...bouncer, end: Scope.close(own, Exit.void) }
      })
      const bouncer = yield* start()
      // The test looks into the database itself.
      const site = yield* makeSite({ databaseUrl: postgres.url })
      const env = { ...site.env, ...pollsEnv, DATABASE_URL: Redacted.value(bouncer.url) }
      const [{ url }] = yield* Effect.all([startApi("api", { env }), startConsumer({ env }), startConsumer({ env })], {
        concurrency: "unbounded"
      })
      yield* untilReady(url)
      const load = yield* startLoad({ url: () => url, connections: 16, pace: 20 })
      const moreVotes = Effect.suspend(() => {
        const wanted = load.receipts.length + 300
        return patiently(Effect.sync(() => assert.isAtLeast(load.receipts.length, wanted)))
      })
      yield* moreVotes
      yield* bouncer.end
      yield* untilReady(url, { database: "by now" })
      yield* moreVotes
      yield* start(bouncer.port)
      yield* untilReady(url)
      yield* moreVotes
      yield* postgres.crash
      yield* untilReady(url, { database: "by now" })
      yield* moreVotes
      yield* postgres.start
      yield* untilReady(url)
      yield* moreVotes
      yield* load.stop
      assert.deepStrictEqual(load.outcomes, { "201": load.receipts.length })
      const votes = yield* expectCounted(site, load.receipts)
      assert.strictEqual(votes, load.receipts.length)

      const receipt = load.receipts[0]
      const { body } = yield* get(`${url}/api/votes/${receipt?.voteId}?stream_id=${receipt?.streamId}`)
      assert.deepInclude(body, { status: "counted" })
      yield* patiently(
        Effect.gen(function* () {
          const results = yield* get(`${url}/api/results`)
          assert.deepInclude(results.body, { total_votes: votes, pending: 0 })
        })
      )
      yield* createPollAt(url, { slug: "lunch", ...teaOrCoffee, kind: "ranked" })
      yield* castAt(url, "lunch", { ranking: ["tea", "coffee"] })
      yield* patiently(
        Effect.gen(function* () {
          const { body } = yield* get(`${url}/api/polls/lunch/results`)
          assert.deepInclude(body, { ballots: 1, winners: ["tea"] })
        })
      )
      const audit = yield* launchProgram(["audit", "--json"], { env })
      assert.deepStrictEqual(yield* audit.ended, { code: 0, signal: null })
      assert.deepInclude(JSON.parse(audit.stdout()), { ok: true, appended: votes + 1 })
      const exported = yield* launchProgram(["polls", "export", "cats-or-dogs", "--votes"], { env })
      assert.deepStrictEqual(yield* exported.ended, { code: 0, signal: null })
      assert.strictEqual(exported.stdout().split("\r\n").length, votes + 2)
    }).pipe(Effect.provide(quiet))
  )
})
