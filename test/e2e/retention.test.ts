import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { launchProgram, startApi, startConsumer } from "../support/processes.ts"
import { day, voteIdAt } from "../support/votes.ts"
import { get, vote } from "./call.ts"
import { makeSite, patiently, untilReady } from "./site.ts"

describe("LEDGER_RETENTION", () => {
  it.live("has a consumer drop old votes, and the tally and the books keep them", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const { redis, sql, stream } = site
      const env = { ...site.env, LEDGER_RETENTION: "2d" }
      const { url } = yield* startApi("api", { env })
      yield* untilReady(url)
      const old = voteIdAt(Date.now() - 9 * day)
      const append = () =>
        Effect.promise(() =>
          redis.xadd(stream, "*", "v", "1", "vote_id", old, "poll", "cats-or-dogs", "option", "dogs", "cast_at", "1")
        )
      yield* append()
      // As if the ledger had been partitioned long ago.
      const before = Date.now() - 5 * day
      yield* sql`alter table vote_event detach partition vote_event_first`
      yield* sql.unsafe(`do $$ begin execute format('alter table vote_event attach partition vote_event_first
        for values from (minvalue) to (%L)', vote_id_at(${before})); end $$`)
      yield* sql`update ledger_partition set to_ms = ${BigInt(before)}::bigint`
      const first = yield* startConsumer({ env: site.env })
      const total = (votes: number) =>
        patiently(
          Effect.gen(function* () {
            const { body } = yield* get(`${url}/api/results`)
            assert.strictEqual(body.total_votes, votes)
          })
        )
      yield* total(1)
      first.signal("SIGTERM")
      yield* first.ended

      const consumer = yield* startConsumer({ env })
      yield* consumer.says(/Dropped vote_event_first with 1 votes/)
      const receipt = () => get(`${url}/api/votes/${old}`)
      assert.deepInclude((yield* receipt()).body, { detail: "Votes as old as this are no longer kept one by one" })

      yield* vote(url, "cats")
      // The same vote again, say from a restored stream. Nobody can tell that it was counted, so it does not count.
      yield* append()
      yield* total(2)
      yield* consumer.says(/is a dead letter: from before what the ledger keeps/)
      assert.deepInclude((yield* receipt()).body, { status: "dead" })

      const audit = yield* launchProgram(["audit", "--json", "--rebuild"], { env })
      assert.deepStrictEqual(yield* audit.ended, { code: 0, signal: null })
      assert.deepInclude(JSON.parse(audit.stdout()), {
        ok: true,
        appended: 3,
        ledger_rows: { counted: 1, dead: 1 },
        dropped: { counted: 1 }
      })
      const exported = yield* launchProgram(["polls", "export", "cats-or-dogs", "--votes"], { env })
      yield* exported.ended
      assert.match(exported.stderr(), /1 votes are not in it/)
    })
  )
})
