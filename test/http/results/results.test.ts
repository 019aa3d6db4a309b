import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertProblem, json, layerApi, request } from "../../support/api.ts"
import { freshWorld } from "../../support/world.ts"

/** A server that has not read any results yet. */
const layerNew = () => layerApi()

layer(layerNew(), { excludeTestServices: true })("GET /api/results", (it) => {
  it.effect("gives each option's share, most votes first", () =>
    Effect.gen(function* () {
      yield* freshWorld
      const answer = yield* request("GET", "/api/results")
      assert.strictEqual(answer.status, 200)
      assert.deepStrictEqual(json(answer), {
        poll: "cats-or-dogs",
        kind: "single",
        status: "open",
        results: [
          { option: "cats", count: 2, percentage: 66.67 },
          { option: "dogs", count: 1, percentage: 33.33 }
        ],
        total_votes: 3,
        ballots: 3,
        abstained: 0,
        winners: ["cats"],
        tie: false,
        pending: 0,
        revision: 12,
        version: 1,
        last_updated: "2026-01-02T03:04:05.678Z"
      })
      assert.deepInclude(answer.headers, {
        "content-type": "application/json",
        "cache-control": "public, max-age=2"
      })
      assert.match(answer.headers.etag ?? "", /^"[\w-]{22}"$/)
      const short = yield* request("GET", "/results")
      assert.strictEqual(short.body, answer.body)
    })
  )

  it.effect("answers 304 to whoever has it already", () =>
    Effect.gen(function* () {
      const { headers } = yield* request("GET", "/api/results")
      const etag = headers.etag ?? ""
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, `${etag} , "other"`, "*"]) {
        const answer = yield* request("GET", "/api/results", { headers: { "if-none-match": known } })
        assert.strictEqual(answer.status, 304, known)
        assert.strictEqual(answer.body, "")
        assert.deepInclude(answer.headers, { etag, "cache-control": "public, max-age=2" })
        assert.isUndefined(answer.headers["content-type"])
      }
      for (const other of ['"other"', etag.slice(1, -1), "", '"'] as const) {
        const answer = yield* request("GET", "/api/results", { headers: { "if-none-match": other } })
        assert.strictEqual(answer.status, 200, other)
      }
    })
  )
})

layer(layerNew(), { excludeTestServices: true })("GET /api/results before there are any", (it) => {
  it.effect("answers 404 where the poll does not exist, 503 while the ledger is away", () =>
    Effect.gen(function* () {
      const world = Object.assign(yield* freshWorld, { migrated: false })
      const missing = yield* request("GET", "/api/results")
      assert.strictEqual(assertProblem(missing, 404).detail, "There is no such poll")

      world.database = "away"
      const away = yield* request("GET", "/results")
      const { detail, instance } = assertProblem(away, 503)
      assert.strictEqual(detail, "Results temporarily unavailable")
      assert.strictEqual(instance, "/results")
      assert.deepInclude(away.headers, { "retry-after": "1", "cache-control": "no-store" })

      world.database = "up"
      world.migrated = true
      assert.strictEqual((yield* request("GET", "/api/results")).status, 200)
    })
  )
})
