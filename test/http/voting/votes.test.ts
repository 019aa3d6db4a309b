import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertProblem, json, layerApi, request, vote } from "../../support/api.ts"
import { freshWorld, streamId } from "../../support/world.ts"

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

layer(layerApi(), { excludeTestServices: true })("POST /api/vote", (it) => {
  it.effect.each(["/api/vote", "/vote"])("%s appends a vote and gives its receipt", (path) =>
    Effect.gen(function* () {
      const world = yield* freshWorld
      const before = Date.now()
      const answer = yield* request("POST", path, {
        headers: { "content-type": "application/json" },
        body: '{"option":"dogs"}'
      })
      assert.strictEqual(answer.status, 201)
      const { vote_id: voteId, ...receipt } = json(answer)
      assert.match(String(voteId), uuidV7)
      assert.deepStrictEqual(receipt, {
        message: "Vote recorded successfully",
        option: "dogs",
        stream_id: streamId
      })
      assert.deepInclude(answer.headers, {
        "content-type": "application/json",
        "cache-control": "no-store",
        location: `/api/votes/${voteId}?stream_id=${streamId}`
      })
      const [appended] = world.votes
      assert.deepInclude(appended ?? {}, { voteId, poll: "cats-or-dogs", choice: "dogs" })
      assert.isAtLeast(appended?.castAt ?? 0, before)
      assert.strictEqual(world.votes.length, 1)
    })
  )

  it.effect.each([
    ["Redis is away", { redis: "away" }],
    ["the backlog is full", { full: true }]
  ] as const)("answers 503 while %s", ([, state]) =>
    Effect.gen(function* () {
      const world = Object.assign(yield* freshWorld, state)
      for (const headers of [{}, { "idempotency-key": "k" }]) {
        const answer = yield* vote(undefined, headers)
        const { detail, type } = assertProblem(answer, 503)
        assert.strictEqual(detail, "Voting service temporarily unavailable")
        assert.strictEqual(type, "urn:tallykeep:problem:unavailable")
        assert.strictEqual(answer.headers["retry-after"], "1")
      }
      assert.deepStrictEqual(world.votes, [])
      yield* freshWorld
    })
  )

  it.effect("gives one vote and one answer for an Idempotency-Key", () =>
    Effect.gen(function* () {
      const world = yield* freshWorld
      const key = { "idempotency-key": `a-key_~!${"k".repeat(247)}` }
      const first = yield* vote(undefined, key)
      assert.strictEqual(first.status, 201)
      const again = yield* vote('{ "option" : "cats" }', key)
      assert.strictEqual(again.status, 201)
      assert.strictEqual(again.body, first.body)
      assert.strictEqual(again.headers.location, first.headers.location)
      const { detail } = assertProblem(yield* vote('{"option":"dogs"}', key), 422)
      assert.strictEqual(detail, "This Idempotency-Key was used with another vote")
      assert.strictEqual(world.votes.length, 1)
    })
  )

  it.effect.each(["", "a b", "k".repeat(256), "clé", "a,\tb"])("refuses the Idempotency-Key %j", (key) =>
    Effect.gen(function* () {
      const world = yield* freshWorld
      const { detail } = assertProblem(yield* vote(undefined, { "idempotency-key": key }), 400)
      assert.strictEqual(detail, "An Idempotency-Key is 1 to 255 visible ASCII characters")
      assert.deepStrictEqual(world.votes, [])
    })
  )
})
