import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { layerLedgerGauges } from "../../src/ledger/LedgerGauges.ts"
import { PollStore } from "../../src/ledger/PollStore.ts"
import { parseMetrics } from "../support/metrics.ts"
import { eventually, layerServers } from "../support/servers.ts"
import { createPoll } from "../support/votes.ts"

const gauges = Effect.map(PrometheusMetrics.format(), (text) => {
  const metrics = parseMetrics(text)
  return {
    polls: metrics.get("tallykeep_polls_counting"),
    seconds: metrics.get("tallykeep_polls_counting_seconds") ?? Number.NaN
  }
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
