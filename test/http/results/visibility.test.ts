import type { OutgoingHttpHeaders } from "node:http"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { PollDefinition } from "../../../src/domain/PollDefinition.ts"
import { assertProblem, json, request, until } from "../../support/api.ts"
import { openEvents, type TallyEvent } from "../../support/events.ts"
import {
  anotherProcess,
  asAdmin,
  bearer,
  beforeItCloses,
  closePoll,
  cookieOf,
  createPoll,
  layerPollsApi,
  layerUncounted,
  statusOf,
  tokensFor,
  untilCounted,
  voteIn
} from "../../support/pollsApi.ts"
import { eventually } from "../../support/servers.ts"

const pathsOf = (slug: string) => ["", ".csv"].map((end) => `/api/polls/${slug}/results${end}`)

const hiddenUntilFinal = "This poll shows its results once they are final"
const hiddenUntilVoted = "This poll shows its results to who has voted"

/** Opens the stream of results that are hidden: it says nothing but the poll's version. */
const openHidden = Effect.fnUntraced(function* (slug: string, headers: OutgoingHttpHeaders = {}) {
  const path = `/api/polls/${slug}/results/stream`
  assert.strictEqual((yield* request("HEAD", path, { headers })).status, 200)
  const opened = yield* openEvents(path, headers)
  assert.deepStrictEqual([opened.status, opened.headers["cache-control"]], [200, "no-store"])
  yield* until(() => opened.versions.length > 0)
  assert.deepStrictEqual(opened.events, [])
  return opened
})

/** Waits for the results of the poll; nothing from before they are final comes first. */
const untilFinal = (events: ReadonlyArray<TallyEvent>) =>
  Effect.map(
    until(() => events.length > 0),
    () => assert.deepInclude(events[0]?.data, { status: "final", total_votes: 1 })
  )

const expectHidden = (slug: string, why: string, headers: OutgoingHttpHeaders = {}) =>
  Effect.forEach(pathsOf(slug), (path) =>
    Effect.gen(function* () {
      for (const method of ["GET", "HEAD"] as const) {
        const answer = yield* request(method, path, { headers })
        assert.strictEqual(answer.status, 403, `${method} ${path}`)
        assert.strictEqual(answer.headers["cache-control"], "no-store")
        if (method === "HEAD") continue
        const { detail, type } = assertProblem(answer, 403)
        assert.strictEqual(type, "urn:tallykeep:problem:results-hidden")
        assert.strictEqual(detail, why)
        assert.notMatch(answer.body, /"count"|total_votes|percentage/)
      }
    })
  )

/** Shown in all three ways, with one vote for tea. */
const expectShown = Effect.fnUntraced(function* (slug: string, headers: OutgoingHttpHeaders = {}) {
  const results = yield* request("GET", `/api/polls/${slug}/results`, { headers })
  assert.strictEqual(results.status, 200, results.body)
  assert.strictEqual(json(results).total_votes, 1)
  assert.strictEqual(results.headers["cache-control"], "private, no-store")
  const known = yield* request("GET", `/api/polls/${slug}/results`, {
    headers: { ...headers, "if-none-match": results.headers.etag ?? "" }
  })
  assert.deepStrictEqual([known.status, known.headers["cache-control"]], [304, "private, no-store"])
  const csv = yield* request("GET", `/api/polls/${slug}/results.csv`, { headers })
  assert.include(csv.body, "tea,Tea,1,100.00")
  assert.strictEqual(csv.headers["cache-control"], "no-store")
  const { events } = yield* openEvents(`/api/polls/${slug}/results/stream`, headers)
  yield* until(() => events[0]?.data.total_votes === 1)
}, Effect.scoped)

/** Waits, as the admin, until the one vote is counted, and for results older than that to be gone. */
const counted = (slug: string) => Effect.andThen(untilCounted(slug, { tea: 1, coffee: 0 }), Effect.sleep("100 millis"))

layer(layerPollsApi(), { excludeTestServices: true })("results", (it) => {
  it.effect("that are live are for all, and may be kept for 2 s", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll()
      const answer = yield* request("GET", `/api/polls/${slug}/results`)
      assert.deepStrictEqual([answer.status, answer.headers["cache-control"]], [200, "public, max-age=2"])
    })
  )

  it.effect.each(["browser", "token", "anyone"] as const)(
    "that are due after the close are hidden from all but the admin until then (%s)",
    (identity) =>
      Effect.gen(function* () {
        const slug = yield* createPoll({ results: "after_close", identity })
        const [token] = identity === "token" ? yield* tokensFor(slug, 1) : []
        const voter = identity === "token" ? bearer(token) : {}
        const vote = yield* voteIn(slug, "tea", voter)
        const headers = { ...voter, ...cookieOf(vote) }
        yield* expectHidden(slug, hiddenUntilFinal)
        yield* expectHidden(slug, hiddenUntilFinal, headers)
        yield* expectHidden(slug, hiddenUntilFinal, bearer("not-the-admin"))
        yield* counted(slug)
        yield* expectHidden(slug, hiddenUntilFinal, headers)
        yield* expectShown(slug, asAdmin)
        const waiting = [yield* openHidden(slug), yield* openHidden(slug, headers)]
        // A look at it while it is still open, and the admin's stream beside, bring nothing to those who wait.
        yield* Effect.sleep("1 second")
        yield* expectShown(slug, asAdmin)
        for (const { events } of waiting) assert.deepStrictEqual(events, [])
        yield* closePoll(slug)
        for (const { events } of waiting) {
          yield* untilFinal(events)
        }
        yield* expectShown(slug)
      }).pipe(Effect.scoped)
  )

  it.effect("that are due after the close are shown when that comes by its time", () =>
    Effect.gen(function* () {
      const { closesMs, events, slug } = yield* beforeItCloses({ results: "after_close" }, (slug, closesMs) =>
        Effect.gen(function* () {
          yield* voteIn(slug, "tea")
          yield* counted(slug)
          yield* expectHidden(slug, hiddenUntilFinal)
          return { closesMs, slug, ...(yield* openHidden(slug)) }
        })
      )
      yield* until(() => events.length > 0)
      assert.isAtLeast(Date.now(), closesMs)
      yield* untilFinal(events)
      yield* expectShown(slug)
    }).pipe(Effect.scoped)
  )

  it.effect("that are due after the close are pushed by each process that streams them", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ results: "after_close" })
      yield* voteIn(slug, "tea")
      yield* counted(slug)
      const atOther = yield* anotherProcess()
      const { events } = yield* atOther(openHidden(slug))
      yield* closePoll(slug)
      yield* untilFinal(events)
    }).pipe(Effect.scoped)
  )

  it.effect("for who has voted are hidden from others", () =>
    Effect.gen(function* () {
      const poll: Partial<PollDefinition> = { results: "after_vote", ballot: "once", identity: "browser" }
      const slug = yield* createPoll(poll)
      const elsewhere = yield* createPoll(poll)
      yield* expectHidden(slug, hiddenUntilVoted)
      const vote = yield* voteIn(slug, "tea")
      const voter = cookieOf(vote)
      // Known at once where the vote was taken, and at others once it is counted.
      assert.strictEqual((yield* request("GET", `/api/polls/${slug}/results`, { headers: voter })).status, 200)
      yield* counted(slug)
      yield* expectShown(slug, voter)
      yield* expectShown(slug, asAdmin)
      yield* expectHidden(slug, hiddenUntilVoted)
      yield* expectHidden(slug, hiddenUntilVoted, { cookie: `${voter.cookie}x` })
      yield* expectHidden(elsewhere, hiddenUntilVoted, voter)
      const atOther = yield* anotherProcess()
      yield* atOther(expectShown(slug, voter))
      yield* atOther(expectHidden(slug, hiddenUntilVoted))
      yield* closePoll(slug)
      yield* eventually(expectShown(slug))
    }).pipe(Effect.scoped)
  )

  it.effect("for who has voted are told by the voter's token", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ results: "after_vote", ballot: "once", identity: "token" })
      const [voted, other] = yield* tokensFor(slug, 2)
      yield* voteIn(slug, "tea", bearer(voted))
      yield* counted(slug)
      yield* expectShown(slug, bearer(voted))
      yield* expectHidden(slug, hiddenUntilVoted, bearer(other))
    })
  )

  it.effect("are not in a vote's receipt, the poll's view or the list of polls", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ results: "after_close" })
      const vote = yield* voteIn(slug, "tea")
      yield* counted(slug)
      assert.deepStrictEqual(yield* statusOf(vote), { status: "counted" })
      for (const path of [vote.headers.location ?? "", `/api/polls/${slug}`, "/api/polls"]) {
        assert.notMatch((yield* request("GET", path)).body, /"count"|total|percentage|revision|tally/)
      }
    })
  )
})

layer(layerUncounted(), { excludeTestServices: true })("results for who has voted, while nobody counts", (it) => {
  it.effect("are shown at the process that took the vote", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ results: "after_vote", ballot: "changeable", identity: "browser" })
      const voter = cookieOf(yield* voteIn(slug, "tea"))
      const resultsFor = (headers: OutgoingHttpHeaders) =>
        Effect.map(request("GET", `/api/polls/${slug}/results`, { headers }), ({ status }) => status)
      assert.strictEqual(yield* resultsFor(voter), 200)
      assert.strictEqual(yield* resultsFor(cookieOf(yield* voteIn(slug, "tea"))), 200)
      assert.strictEqual(yield* resultsFor({}), 403)
      const atOther = yield* anotherProcess()
      assert.strictEqual(yield* atOther(resultsFor(voter)), 403)
    }).pipe(Effect.scoped)
  )
})
