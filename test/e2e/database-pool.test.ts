import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { startLoad } from "../support/load.ts"
import { startApi, startConsumer } from "../support/processes.ts"
import { get } from "./call.ts"
import { expectCounted, makeSite, patiently, type Site, untilReady } from "./site.ts"

/** Keeps the most connections that programs had at once to a site's database, as often as it looks. */
const watchConnections = Effect.fnUntraced(function* ({ sql }: Site) {
  const seen = { most: 0, looks: 0 }
  const look = Effect.gen(function* () {
    const [row] = yield* sql<{ connections: bigint }>`
      select count(*) as connections from pg_stat_activity
      where datname = current_database() and application_name = 'tallykeep'`
    seen.looks++
    seen.most = Math.max(seen.most, Number(row?.connections))
  })
  yield* Effect.forkScoped(Effect.repeat(look, Schedule.spaced("20 millis")))
  return seen
})

describe("with one connection to PostgreSQL for each process", () => {
  it.live.each(["all", "apart"] as const)(
    "the schema is made, votes are counted, and results shown: roles %s",
    (roles) =>
      Effect.gen(function* () {
        const site = yield* makeSite()
        const env = { ...site.env, DATABASE_POOL: "1", BATCH_SIZE: "50" }
        const seen = yield* watchConnections(site)
        if (roles === "apart") yield* startConsumer({ env })
        const { url } = yield* startApi(roles === "all" ? "all" : "api", { env })
        yield* untilReady(url)
        // In batches so small that all fibers have one to count.
        const load = yield* startLoad({ url: () => url, connections: 16, votes: 1_000 })
        yield* patiently(
          Effect.gen(function* () {
            const receipt = load.receipts.at(-1)
            const answers = yield* Effect.all(
              [
                get(`${url}/api/results`),
                get(`${url}/api/polls`),
                get(`${url}/api/votes/${receipt?.voteId}?stream_id=${receipt?.streamId}`)
              ],
              { concurrency: "unbounded" }
            )
            assert.deepStrictEqual(
              answers.map(({ status }) => status),
              [200, 200, 200]
            )
          })
        )
        yield* load.done
        assert.strictEqual(yield* expectCounted(site, load.receipts), 1_000)
        assert.isAbove(seen.looks, 0)
        assert.isAbove(seen.most, 0)
        assert.isAtMost(seen.most, roles === "all" ? 1 : 2)
      })
  )
})
