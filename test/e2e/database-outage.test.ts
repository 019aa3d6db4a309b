import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { openGate } from "../chaos/proxy.ts"
import { startLoad } from "../support/load.ts"
import { startApi, startConsumer } from "../support/processes.ts"
import { get } from "./call.ts"
import { ownPostgres } from "./ownServer.ts"
import { expectCounted, makeSite, patiently, untilReady } from "./site.ts"

describe("without PostgreSQL", () => {
  it.live("programs start and take votes, go on taking them through outages, and count all of them in the end", () =>
    Effect.gen(function* () {
      const postgres = yield* ownPostgres
      const site = yield* makeSite({ databaseUrl: postgres.url })
      yield* postgres.crash
      const env = { ...site.env, ADMIN_TOKEN: "the-admin-of-this-test" }
      const [api] = yield* Effect.all([startApi("api", { env }), startConsumer(site)], { concurrency: "unbounded" })
      const { says, url } = api
      yield* untilReady(url, { database: "since the start" })
      // An organiser's 503 has its reason in the log.
      assert.strictEqual((yield* get(`${url}/api/polls`, { authorization: `Bearer ${env.ADMIN_TOKEN}` })).status, 503)
      yield* says(/Polls can't be changed for now: database is out of service: .*ECONNREFUSED/)
      const load = yield* startLoad({ url: () => url, connections: 8, pace: 20 })
      const moreVotes = Effect.suspend(() => {
        const wanted = load.receipts.length + 100
        return patiently(Effect.sync(() => assert.isAtLeast(load.receipts.length, wanted)))
      })
      yield* moreVotes
      assert.strictEqual((yield* get(`${url}/api/results`)).status, 503)
      yield* postgres.start
      yield* untilReady(url)

      for (const outage of ["crash", "freeze"] as const) {
        yield* moreVotes
        const known = yield* patiently(
          Effect.gen(function* () {
            const { body } = yield* get(`${url}/api/results`)
            assert.isAbove(Number(body.total_votes), 0)
            return body
          })
        )
        yield* postgres[outage]
        yield* untilReady(url, { database: "by now" })
        yield* moreVotes
        const { body, status } = yield* get(`${url}/api/results`)
        assert.strictEqual(status, 200)
        assert.isAtLeast(Number(body.total_votes), Number(known.total_votes))
        yield* outage === "crash" ? postgres.start : postgres.thaw
        yield* untilReady(url)
      }

      yield* moreVotes
      yield* load.stop
      assert.deepStrictEqual(load.outcomes, { "201": load.receipts.length })
      assert.strictEqual(yield* expectCounted(site, load.receipts), load.receipts.length)
    })
  )
})

describe("with connections to PostgreSQL that are half-open", () => {
  it.live("votes are counted and results move on by new ones, and none is counted twice", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const direct = new URL(site.env.DATABASE_URL)
      const gate = yield* Effect.acquireRelease(
        Effect.promise(() => openGate(() => Number(direct.port))),
        (opened) => Effect.sync(() => opened.close())
      )
      const beside = new URL(direct)
      beside.port = String(gate.port)
      const env = { ...site.env, DATABASE_URL: beside.href }
      const [{ url }] = yield* Effect.all([startApi("api", { env }), startConsumer({ env })], {
        concurrency: "unbounded"
      })
      yield* untilReady(url)
      const load = yield* startLoad({ url: () => url, connections: 4, pace: 20 })
      const moreThan = (votes: number) =>
        Effect.gen(function* () {
          assert.isAbove(Number((yield* get(`${url}/api/results`)).body.total_votes), votes)
        }).pipe(
          Effect.catchDefect((defect) => Effect.fail(defect)),
          Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 1_200 })
        )
      yield* moreThan(100)
      gate.silence()
      yield* moreThan(load.receipts.length)
      yield* untilReady(url)
      yield* load.stop
      assert.deepStrictEqual(load.outcomes, { "201": load.receipts.length })
      assert.strictEqual(yield* expectCounted(site, load.receipts), load.receipts.length)
    })
  )
})
