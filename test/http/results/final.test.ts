import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { layerFinality } from "../../../src/consumer/Finality.ts"
import { layerPool } from "../../../src/consumer/Pool.ts"
import { entryMs, makeVoteId } from "../../../src/domain/Vote.ts"
import { VoteStream } from "../../../src/stream/VoteStream.ts"
import { assertProblem, json, publicFolder, request, until } from "../../support/api.ts"
import { openEvents } from "../../support/events.ts"
import {
  anotherProcess,
  asAdmin,
  closePoll,
  createPoll,
  layerPollsApi,
  layerUncounted,
  untilFinal,
  voteIn
} from "../../support/pollsApi.ts"

const pathOf = (slug: string) => `/api/polls/${slug}/results`

const resultsOf = (slug: string) => Effect.map(request("GET", pathOf(slug), { headers: asAdmin }), json)

layer(layerUncounted({}, publicFolder, { batchSize: 1_000 }), { excludeTestServices: true })(
  "a poll that closes with a backlog",
  (it) => {
    it.effect("counts while nobody does, hides its results, and shows them when the last vote is in", () =>
      Effect.gen(function* () {
        const backlog = 50_000
        const stream = yield* VoteStream
        const slug = yield* createPoll({ results: "after_close" })
        yield* Effect.forEach(
          Array.from({ length: backlog }),
          () => stream.append({ voteId: makeVoteId(), poll: slug, choice: "tea", castAt: Date.now() }),
          { concurrency: 1_000, discard: true }
        )
        assert.strictEqual(json(yield* closePoll(slug)).status, "counting")
        const atOther = yield* anotherProcess()
        const viewers = [
          yield* openEvents(`${pathOf(slug)}/stream`),
          yield* atOther(openEvents(`${pathOf(slug)}/stream`))
        ]
        assertProblem(yield* request("GET", pathOf(slug)), 403)
        // Those who may see them see that they are not all there.
        assert.deepInclude(yield* resultsOf(slug), { status: "counting", total_votes: 0 })

        yield* Layer.build(Layer.mergeAll(layerPool, layerFinality))
        for (const { events } of viewers) {
          yield* until(() => events.length > 0)
          assert.deepInclude(events[0]?.data, { status: "final", total_votes: backlog })
          assert.isString(events[0]?.data.final_at)
          assert.notProperty(events[0]?.data, "changed_after_final")
        }
        const answer = yield* request("GET", pathOf(slug))
        assert.deepInclude(json(answer), { status: "final", total_votes: backlog })
        const view = json(yield* request("GET", `/api/polls/${slug}`))
        assert.deepStrictEqual([view.status, view.final_at], ["final", json(answer).final_at])
      }).pipe(Effect.scoped)
    )
  }
)

layer(layerPollsApi(), { excludeTestServices: true })("a poll that is closed by hand", (it) => {
  it.effect("is final with every vote that was accepted before, while votes come in", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll()
      const atOther = yield* anotherProcess()
      const accepted: Array<number> = []
      const keepVoting: Effect.Effect<void, never, Effect.Services<ReturnType<typeof voteIn>>> = Effect.suspend(() =>
        Effect.flatMap(voteIn(slug, "tea"), (answer) => {
          if (answer.status !== 201) return Effect.void
          accepted.push(entryMs(`${json(answer).stream_id}`))
          return keepVoting
        })
      )
      const voters = Effect.forEach(
        Array.from({ length: 8 }),
        () => Effect.all([keepVoting, atOther(keepVoting)], { concurrency: 2 }),
        { concurrency: "unbounded" }
      )
      const closing = Effect.andThen(
        until(() => accepted.length > 500),
        closePoll(slug)
      )
      const [, closed] = yield* Effect.all([voters, closing], { concurrency: 2 })
      // A process that has not heard of it yet may confirm a few more, which don't count.
      const closesMs = Date.parse(`${json(closed).closes_at}`)
      const inTime = accepted.filter((ms) => ms < closesMs).length
      yield* untilFinal(slug)
      const results = yield* resultsOf(slug)
      assert.deepInclude(results, { status: "final", total_votes: inTime })
      assert.notProperty(results, "changed_after_final")
    }).pipe(Effect.scoped)
  )
})
