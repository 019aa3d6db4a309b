import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertProblem, layerApi, request, vote } from "../../support/api.ts"
import { freshWorld, World } from "../../support/world.ts"

const voteElsewhere = request("POST", "/api/polls/lunch/votes", {
  headers: { "content-type": "application/json" },
  body: '{"option":"soup"}'
})

layer(layerApi(), { excludeTestServices: true })("an API that can't read the polls", (it) => {
  it.effect("does not call a poll unknown that it may not know of yet: it asks to come again", () =>
    Effect.gen(function* () {
      yield* freshWorld
      const world = yield* World
      world.database = "away"
      for (const answer of [yield* voteElsewhere, yield* voteElsewhere, yield* request("GET", "/api/polls/lunch")]) {
        assertProblem(answer, 503)
        assert.match(answer.headers["retry-after"] ?? "", /^\d+$/)
      }
      for (const method of ["GET", "POST"]) {
        const page = yield* request(method, "/polls/lunch")
        assert.strictEqual(page.status, 503)
        assert.match(page.headers["content-type"] ?? "", /^text\/plain/)
      }
      // The default poll is always there.
      assert.strictEqual((yield* vote()).status, 201)
    })
  )

  it.effect("says so once it can", () =>
    Effect.gen(function* () {
      yield* freshWorld
      yield* Effect.sleep("1100 millis")
      assertProblem(yield* voteElsewhere, 404)
    })
  )
})
