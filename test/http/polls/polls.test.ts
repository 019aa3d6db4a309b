import { assert, layer } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { assertProblem, json, request } from "../../support/api.ts"
import { asAdmin, closePoll, createPoll, definition, layerPollsApi, post } from "../../support/pollsApi.ts"

const create = (body: unknown) => post("/api/polls", body, asAdmin)

layer(layerPollsApi(), { excludeTestServices: true })("POST /api/polls", (it) => {
  it.effect("creates a poll, and tells where it is and how it looks", () =>
    Effect.gen(function* () {
      const poll = definition({
        description: "Either.",
        ballot: "once",
        identity: "browser",
        results: "after_vote",
        listed: true,
        opens_at: "2026-01-02T03:04+01:00",
        closes_at: "2126-01-02T03:04:05.678Z"
      })
      const answer = yield* create(poll)
      assert.strictEqual(answer.status, 201, answer.body)
      assert.strictEqual(answer.headers.location, `/api/polls/${poll.slug}`)
      assert.strictEqual(answer.headers["cache-control"], "no-store")
      const view = { ...poll, kind: "single", opens_at: "2026-01-02T02:04:00.000Z", status: "open", version: 1 }
      assert.deepStrictEqual(json(answer), view)
      const shown = yield* request("GET", `/api/polls/${poll.slug}`)
      assert.strictEqual(shown.status, 200)
      assert.deepStrictEqual(json(shown), view)
      const { polls } = json(yield* request("GET", "/api/polls")) as { readonly polls: ReadonlyArray<unknown> }
      assert.deepStrictEqual(polls[0], view)
      assert.include(
        polls.map((one) => (one as { readonly slug: string }).slug),
        "cats-or-dogs"
      )
    })
  )

  it.effect("says whether a poll is to open or open, by its times, and makes none that has closed", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const at = (seconds: number) => new Date(now + seconds * 1000).toISOString()
      const status = (times: { readonly opens_at?: string; readonly closes_at?: string }) =>
        Effect.map(create(definition(times)), (answer) => json(answer).status)
      assert.strictEqual(yield* status({}), "open")
      assert.strictEqual(yield* status({ opens_at: at(-60), closes_at: at(60) }), "open")
      assert.strictEqual(yield* status({ opens_at: at(60), closes_at: at(120) }), "upcoming")
      const { errors } = assertProblem(yield* create(definition({ closes_at: at(-1) })), 422)
      assert.deepStrictEqual(errors, [{ pointer: "#/closes_at", detail: "must be a time in the future" }])
    })
  )

  it.effect("refuses what is not JSON", () =>
    Effect.gen(function* () {
      const headers = { ...asAdmin, "content-type": "application/json" }
      assertProblem(yield* request("POST", "/api/polls", { headers, body: "{" }), 400)
      const text = { ...asAdmin, "content-type": "text/plain" }
      assertProblem(yield* request("POST", "/api/polls", { headers: text, body: JSON.stringify(definition()) }), 415)
      const big = { ...definition(), description: "x".repeat(1_048_576) }
      assertProblem(yield* create(big), 413)
    })
  )

  it.effect("refuses a slug that there is, and leaves that poll as it was", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ title: "The first" })
      const { type } = assertProblem(yield* create(definition({ slug, title: "The second" })), 409)
      assert.strictEqual(type, "urn:tallykeep:problem:poll-exists")
      assert.strictEqual(json(yield* request("GET", `/api/polls/${slug}`)).title, "The first")
      const answers = yield* Effect.all(
        Array.from({ length: 8 }, () => create(definition({ slug: "at-once" }))),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(answers.map(({ status }) => status).sort(), [201, 409, 409, 409, 409, 409, 409, 409])
    })
  )

  it.effect("answers 404 for a poll that there is not, in every way", () =>
    Effect.gen(function* () {
      for (const path of ["", "/results", "/results/stream", "/results.csv"]) {
        const { detail } = assertProblem(yield* request("GET", `/api/polls/none${path}`), 404)
        assert.strictEqual(detail, "There is no such poll")
      }
      assertProblem(yield* post("/api/polls/none/votes", { option: "tea" }), 404)
      assertProblem(yield* closePoll("none"), 404)
      assertProblem(yield* post("/api/polls/none/tokens", { count: 1 }, asAdmin), 404)
    })
  )
})
