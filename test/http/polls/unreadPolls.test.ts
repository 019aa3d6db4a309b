import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertProblem, layerApi, request, until, vote } from "../../support/api.ts"
import { openEvents } from "../../support/events.ts"
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

  it.effect("begins a stream of results with a comment, since a browser does not come back from a 503", () =>
    Effect.gen(function* () {
      yield* freshWorld
      const world = yield* World
      world.database = "away"
      for (const path of ["/api/polls/lunch/results/stream", "/api/results/stream"]) {
        const { comments, ended, events, headers, status } = yield* openEvents(path)
        assert.strictEqual(status, 200)
        assert.deepInclude(headers, { "content-type": "text/event-stream", "x-frame-options": "DENY" })
        yield* until(() => comments() === 1)
        assert.deepStrictEqual([events, ended()], [[], undefined])
      }
      assert.strictEqual((yield* request("HEAD", "/api/polls/lunch/results/stream")).status, 200)
    }).pipe(Effect.scoped)
  )

  it.effect("sends the results once it can, or ends the stream of a poll that there is not", () =>
    Effect.gen(function* () {
      yield* freshWorld
      const world = yield* World
      world.database = "away"
      const known = yield* openEvents("/api/results/stream")
      const unknown = yield* openEvents("/api/polls/lunch/results/stream")
      yield* Effect.sleep("1100 millis")
      world.database = "up"
      yield* until(() => known.events.length === 1 && unknown.ended() !== undefined)
      assert.strictEqual(known.events[0]?.id, "12-0a1b2c3d")
      assert.strictEqual(unknown.ended(), "politely")
      assertProblem(yield* request("GET", "/api/polls/lunch/results/stream"), 404)
    }).pipe(Effect.scoped)
  )

  it.effect("says so once it can", () =>
    Effect.gen(function* () {
      yield* freshWorld
      yield* Effect.sleep("1100 millis")
      assertProblem(yield* voteElsewhere, 404)
    })
  )
})
