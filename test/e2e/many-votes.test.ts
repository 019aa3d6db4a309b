import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startLoad } from "../support/load.ts"
import { startApi, startConsumer } from "../support/processes.ts"
import { get, vote } from "./call.ts"
import { expectCounted, makeSite, patiently, untilReady } from "./site.ts"

/** script/soak sends many more, and checks the books at the end. */
const many = 2_000

/** Starts two APIs; `at` returns the one that a connection votes at. */
const twoApis = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const urls = yield* Effect.forEach([1, 2], () => Effect.map(startApi("api", { env }), ({ url }) => url), {
    concurrency: "unbounded"
  })
  yield* Effect.forEach(urls, (url) => untilReady(url))
  return { urls, at: (index: number) => urls[index % urls.length] ?? "" }
})

describe("several processes", () => {
  it.live("count each of many votes once", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const { at, urls } = yield* twoApis(site.env)
      yield* Effect.forEach([1, 2, 3], () => startConsumer({ env: site.env }), { concurrency: "unbounded" })
      const load = yield* startLoad({ url: at, connections: 64, votes: many })
      yield* load.done
      assert.deepStrictEqual(load.outcomes, { "201": many })
      assert.strictEqual(new Set(load.receipts.map(({ voteId }) => voteId)).size, many)
      assert.strictEqual(yield* expectCounted(site, load.receipts), many)
      for (const url of urls) {
        yield* patiently(
          Effect.gen(function* () {
            const { body } = yield* get(`${url}/api/results`)
            assert.deepInclude(body, {
              total_votes: many,
              pending: 0,
              results: [
                { option: "cats", count: many / 2, percentage: 50 },
                { option: "dogs", count: many / 2, percentage: 50 }
              ]
            })
          })
        )
      }
    })
  )

  it.live("take one vote for one Idempotency-Key, whichever of them is asked", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const { at } = yield* twoApis(site.env)
      const headers = { "idempotency-key": "the-same-for-all" }
      const answers = yield* Effect.forEach(
        Array.from({ length: 50 }, (_, index) => index),
        (index) => vote(at(index), "cats", headers),
        { concurrency: "unbounded" }
      )
      const [first] = answers
      for (const { body, headers, status } of answers) {
        assert.deepStrictEqual(
          { status, body, location: headers.location },
          { status: 201, body: first?.body, location: first?.headers.location }
        )
      }
      const { body, status } = yield* vote(at(0), "dogs", headers)
      assert.strictEqual(status, 422)
      assert.deepInclude(body, { title: "Unprocessable Content", status: 422 })

      yield* startConsumer({ env: site.env })
      const receipt = { voteId: `${first?.body.vote_id}`, streamId: `${first?.body.stream_id}` }
      assert.strictEqual(yield* expectCounted(site, [receipt]), 1)
    })
  )
})
