import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { SqlClient } from "effect/sql"
import { layerLedgerGauges } from "../../src/ledger/LedgerGauges.ts"
import { PollStore } from "../../src/ledger/PollStore.ts"
import { Tabulations } from "../../src/ledger/Tabulations.ts"
import { parseMetrics } from "../support/metrics.ts"
import { rankedPoll } from "../support/ranked.ts"
import { eventually, layerServers } from "../support/servers.ts"
import { createPoll } from "../support/votes.ts"

const gauges = Effect.map(PrometheusMetrics.format(), (text) => {
  const metrics = parseMetrics(text)
  return {
    polls: metrics.get("tallykeep_polls_counting"),
    seconds: metrics.get("tallykeep_polls_counting_seconds") ?? Number.NaN
  }
})

const dueSeconds = Effect.map(PrometheusMetrics.format(), (text) =>
  parseMetrics(text).get("tallykeep_tabulation_due_seconds")
)

describe("the gauge of tabulations", () => {
  it.live("tells how long ago the first was due, of polls with votes that are not in one", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const tabulations = yield* Tabulations
      const ranked = { options: ["a", "b"], method: "irv", ballots: [[1, ["a"]]] } as const
      // Made, as of all votes.
      yield* rankedPoll(ranked)
      const made = (yield* tabulations.claim) ?? assert.fail()
      yield* tabulations.store(made, 2, "{}", 0)
      // Due from now on, or in a while; the second one is final, and so does not wait.
      const [due, later] = [yield* rankedPoll(ranked), yield* rankedPoll(ranked)]
      yield* sql`update poll set created_at = clock_timestamp() - interval '100 s' where slug = ${due}`
      yield* sql`insert into tabulation (poll, due_at) values (${later}, clock_timestamp() + interval '1 hour')`
      const expectDue = (seconds: number) =>
        eventually(Effect.map(dueSeconds, (found) => assert.isAtLeast(found ?? 0, seconds))).pipe(
          // Another one asks at once.
          Effect.provide(layerLedgerGauges(5))
        )
      yield* expectDue(100)
      yield* sql`
        update poll set closes_ms = 1, final_at = now(), last_updated = clock_timestamp() - interval '200 s'
        where slug = ${later}`
      yield* expectDue(200)
      yield* sql`update poll set revision = 0`
      yield* eventually(Effect.map(dueSeconds, (found) => assert.strictEqual(found, 0))).pipe(
        Effect.provide(layerLedgerGauges(5))
      )
    }).pipe(Effect.provide(Tabulations.layer), Effect.provide(layerServers()))
  )
})

describe("the gauges of polls that count", () => {
  it.live("tell how many there are, and how long ago the first of them has closed", () =>
    Effect.gen(function* () {
      const store = yield* PollStore
      const now = Date.now()
      yield* createPoll({ closesMs: now - 60_000 })
      yield* createPoll({ closesMs: now + 3_600_000 })
      const final = yield* createPoll({ closesMs: now - 120_000 })
      yield* store.finish(final, now)
      yield* createPoll({ closesMs: now - 90_000 })
      yield* Effect.gen(function* () {
        const { seconds } = yield* eventually(
          Effect.tap(gauges, ({ polls }) => Effect.sync(() => assert.strictEqual(polls, 2)))
        )
        assert.isAtLeast(seconds, 90)
        // The machine may be busy.
        assert.isBelow(seconds, 120)
        assert.isAtLeast((yield* gauges).seconds, seconds)
      }).pipe(Effect.provide(layerLedgerGauges(5)))
    }).pipe(Effect.provide(layerServers()))
  )
})
