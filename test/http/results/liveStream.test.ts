import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Layer, Scope } from "effect"
import { LiveStreams } from "../../../src/http/results/LiveStreams.ts"
import { request, until } from "../../support/api.ts"
import { openEvents } from "../../support/events.ts"
import {
  anotherProcess,
  beforeItCloses,
  closePoll,
  createPoll,
  layerPollsApi,
  layerProcess,
  untilCounted,
  voteIn
} from "../../support/pollsApi.ts"
import { timed, within } from "../../support/within.ts"

const streamOf = (slug: string) => `/api/polls/${slug}/results/stream`

layer(layerPollsApi(), { excludeTestServices: true })("GET …/results/stream", (it) => {
  it.effect("sends the results as they are at once, then each change", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll()
      const { comments, events, headers, status } = yield* openEvents(streamOf(slug))
      assert.strictEqual(status, 200)
      assert.deepInclude(headers, {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
        "x-frame-options": "DENY"
      })
      yield* until(() => events.length === 1)
      assert.deepInclude(events[0]?.data, { poll: slug, status: "open", total_votes: 0, revision: events[0]?.revision })
      for (let votes = 1; votes <= 3; votes++) {
        yield* voteIn(slug, "tea")
        yield* until(() => events.at(-1)?.data.total_votes === votes)
      }
      const last = events.at(-1)
      const { body } = yield* request("GET", `/api/polls/${slug}/results`)
      const { pending: _, ...results } = JSON.parse(body)
      assert.deepInclude(last?.data, results)
      assert.strictEqual(last?.revision, results.revision)
      assert.strictEqual(comments(), 0)
    }).pipe(Effect.scoped)
  )

  it.effect("sends at most ten changes a second in a burst of votes, the last one among them", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll()
      const viewers = yield* Effect.forEach([1, 2, 3], () => openEvents(streamOf(slug)))
      yield* Effect.forEach(Array.from({ length: 1_000 }), () => voteIn(slug, "tea"), { concurrency: 20 })
      yield* untilCounted(slug, { tea: 1_000, coffee: 0 })
      for (const { events } of viewers) {
        yield* until(() => events.at(-1)?.data.total_votes === 1_000)
        const ids = events.map(({ revision }) => revision)
        assert.deepStrictEqual(
          ids,
          [...new Set(ids)].sort((a, b) => a - b)
        )
        const seconds = ((events.at(-1)?.at ?? 0) - (events[0]?.at ?? 0)) / 1000
        assert.isAtMost(events.length, 10 * seconds + 3)
        assert.isAbove(events.at(-1)?.revision ?? 0, events.length)
      }
    }).pipe(Effect.scoped)
  )

  it.effect("sends who has the last revision nothing until a change", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll()
      yield* voteIn(slug, "tea")
      yield* untilCounted(slug, { tea: 1, coffee: 0 })
      const { events: first } = yield* openEvents(streamOf(slug))
      yield* until(() => first.length === 1)
      const { comments, events } = yield* within(
        1_000,
        openEvents(streamOf(slug), { "last-event-id": `${first[0]?.id}` })
      )
      yield* Effect.sleep("1300 millis")
      assert.lengthOf(events, 0)
      assert.strictEqual(comments(), 1)
      yield* voteIn(slug, "coffee")
      yield* until(() => events.length === 1)
      assert.strictEqual(events[0]?.data.total_votes, 2)
    }).pipe(Effect.scoped)
  )

  it.effect("says that a poll has closed, by the admin or by its time, and that it is final", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll()
      const { events } = yield* openEvents(streamOf(slug))
      const left = yield* beforeItCloses({}, (slug) =>
        Effect.gen(function* () {
          const { events } = yield* openEvents(streamOf(slug))
          yield* until(() => events.length > 0)
          assert.strictEqual(events[0]?.data.status, "open")
          return events
        })
      )
      yield* closePoll(slug)
      yield* until(() => events.at(-1)?.data.status === "final")
      yield* until(() => left.at(-1)?.data.status === "final")
    }).pipe(Effect.scoped)
  )

  it.effect("shows what was counted through another process, well within a second", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll()
      const atOther = yield* anotherProcess()
      const { events } = yield* atOther(openEvents(streamOf(slug)))
      yield* until(() => events.length === 1)
      const took: Array<number> = []
      for (let votes = 1; votes <= 5; votes++) {
        // Between the looks that it takes without being told.
        yield* Effect.sleep("300 millis")
        const shown = until(() => events.at(-1)?.data.total_votes === votes)
        const [, ms] = yield* timed(Effect.andThen(voteIn(slug, "tea"), shown))
        took.push(ms)
      }
      assert.isBelow(Math.min(...took), 300)
      assert.isBelow(Math.max(...took), 1_000)
    }).pipe(Effect.scoped)
  )

  it.effect("has no viewer any more when one goes away, nor after a HEAD", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll()
      const streams = yield* LiveStreams
      const head = yield* request("HEAD", streamOf(slug))
      assert.deepStrictEqual([head.status, head.headers["content-type"]], [200, "text/event-stream"])
      const before = streams.viewers()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { events } = yield* openEvents(streamOf(slug))
          yield* until(() => events.length === 1)
          assert.strictEqual(streams.viewers(), before + 1)
        })
      )
      yield* until(() => streams.viewers() === before)
      assert.strictEqual(before, 0)
    })
  )
})

/** Over real servers, and in a scope that the test closes. */
const startProcess = Effect.gen(function* () {
  const scope = yield* Effect.acquireRelease(Scope.make(), (open) => Scope.close(open, Exit.void))
  const context = yield* Layer.buildWithScope(layerProcess(), scope)
  return { context, stop: Scope.close(scope, Exit.void) }
})

layer(layerPollsApi(), { excludeTestServices: true })("a shutdown", (it) => {
  it.effect("ends the streams as answers should end", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll()
      const { context, stop } = yield* startProcess
      const viewers = yield* Effect.forEach(Array.from({ length: 20 }), () => openEvents(streamOf(slug))).pipe(
        Effect.provideContext(context)
      )
      yield* until(() => viewers.every(({ events }) => events.length > 0))
      yield* within(1_000, stop)
      for (const { ended } of viewers) {
        yield* until(() => ended() !== undefined)
        assert.strictEqual(ended(), "politely")
      }
    }).pipe(Effect.scoped)
  )
})
