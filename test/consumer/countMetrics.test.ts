import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { makeCountMetrics } from "../../src/consumer/CountMetrics.ts"
import { batchOf } from "../../src/consumer/EntryBatch.ts"
import { ensureGroup } from "../../src/consumer/Reader.ts"
import { recordBatch } from "../../src/consumer/RecordBatch.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { PollActs } from "../../src/ledger/PollActs.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { readState } from "../../src/stream/StreamState.ts"
import { layerOwnRegistry, parseMetrics } from "../support/metrics.ts"
import { layerServers } from "../support/servers.ts"
import { teaOrCoffeePoll } from "../support/teaOrCoffee.ts"

const alone = () => layerServers({ blockMs: 1_000 }).pipe(Layer.provideMerge(layerOwnRegistry))

let minted = 0
const voteId = () => `019845e1-682f-7b02-a706-${String(++minted).padStart(12, "0")}`

/** An entry as the stream holds it, with fields that override those of a good vote. */
const entry = (ms: number, fields: Readonly<Record<string, string>> = {}) => ({
  id: `${ms}-0`,
  fields: Object.entries({
    v: "1",
    vote_id: voteId(),
    poll: "cats-or-dogs",
    option: "cats",
    cast_at: "5",
    ...fields
  }).flat()
})

describe("metrics of counting", () => {
  it.live("tell what became of the votes, by poll", () =>
    Effect.gen(function* () {
      const metrics = yield* makeCountMetrics
      const { client } = yield* Redis
      const settings = yield* StreamSettings
      const ledger = yield* Ledger
      const acts = yield* PollActs
      yield* ledger.migrated
      yield* ensureGroup(client, settings.stream, settings.group)
      yield* acts.create({ ...teaOrCoffeePoll, slug: "soup", ballot: "once", identity: "token" }, 0)
      const voter = { poll: "soup", option: "tea", voter: "YW5u" }
      const known = entry(20)
      const record = (entries: ReadonlyArray<ReturnType<typeof entry>>) =>
        recordBatch(metrics.measured(ledger), client, { ...settings, maxRetries: 1 }, batchOf(entries))
      yield* record([entry(10), known, entry(30, voter), entry(40, voter)])
      yield* record([known, entry(50, { option: "birds" }), entry(60, { poll: "nowhere" }), entry(70, { v: "9" })])

      const seen = parseMetrics(yield* PrometheusMetrics.format())
      const votes = (what: string, poll: string) => seen.get(`tallykeep_votes_${what}_total{poll="${poll}"}`)
      assert.strictEqual(votes("counted", "cats-or-dogs"), 2)
      assert.strictEqual(votes("counted", "soup"), 1)
      assert.strictEqual(votes("rejected", "soup"), 1)
      assert.strictEqual(votes("duplicate", "cats-or-dogs"), 1)
      assert.strictEqual(votes("dead", "cats-or-dogs"), 2, "no such option, and undecodable")
      assert.strictEqual(votes("dead", "unknown"), 1, "no such poll")
      assert.isUndefined(votes("dead", "nowhere"))
      assert.strictEqual(seen.get("tallykeep_vote_age_seconds_count"), 7)
      assert.strictEqual(seen.get("tallykeep_batch_votes_count"), 2)
    }).pipe(Effect.provide(alone()))
  )
})

describe("readState", () => {
  it.live("tells how long the stream is, and what waits in it for whom and since when", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const settings = yield* StreamSettings
      const { group, stream } = settings
      const state = readState(client, settings)
      const nothing = { stream, length: 0, lag: 0, pending: 0, oldestMs: 0, consumers: 0, lastMs: 0 }
      assert.deepInclude(yield* state, nothing)
      const hourAgo = (yield* state).timeMs - 3_600_000
      yield* Effect.promise(() => client.xadd(stream, `${hourAgo}-0`, "v", "1"))
      assert.deepInclude(yield* state, { length: 1, lag: 1, pending: 0, consumers: 0, lastMs: hourAgo })
      yield* ensureGroup(client, stream, group)
      yield* Effect.promise(() => client.xreadgroup("GROUP", group, "reader", "COUNT", 1, "STREAMS", stream, ">"))
      yield* Effect.promise(() => client.xadd(stream, "*", "v", "1"))
      const given = yield* state
      assert.deepInclude(given, { length: 2, lag: 1, pending: 1, consumers: 1 })
      assert.isAtLeast(given.oldestMs, 3_600_000)
      assert.isBelow(given.oldestMs, 3_660_000)
      yield* Effect.promise(() => client.xack(stream, group, `${hourAgo}-0`))
      const acked = yield* state
      assert.deepInclude(acked, { length: 2, lag: 1, pending: 0 })
      assert.isBelow(acked.oldestMs, 60_000)
    }).pipe(Effect.provide(alone()))
  )
})
