import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { layerPool } from "../../../src/consumer/Pool.ts"
import type { PollDefinition } from "../../../src/domain/PollDefinition.ts"
import { makeVoteId } from "../../../src/domain/Vote.ts"
import { hold, makeTakeBack } from "../../../src/http/polls/WithoutVotes.ts"
import { PollActs } from "../../../src/ledger/PollActs.ts"
import { Redis } from "../../../src/stream/Redis.ts"
import { isShut, shutHash } from "../../../src/stream/ShutPolls.ts"
import { StreamSettings } from "../../../src/stream/StreamSettings.ts"
import { VoteStream } from "../../../src/stream/VoteStream.ts"
import { assertProblem, json, request } from "../../support/api.ts"
import {
  anotherProcess,
  asAdmin,
  bearer,
  beforeItCloses,
  closePoll,
  createPoll,
  layerPollsApi,
  layerUncounted,
  post,
  statusOf,
  tokensFor,
  untilCounted,
  voteIn
} from "../../support/pollsApi.ts"
import { eventually } from "../../support/servers.ts"

const asEditor = { ...asAdmin, "content-type": "application/json", "if-match": "*" }

/** What a poll is that has closed: it may be final at once. */
const hasClosed: ReadonlyArray<unknown> = ["counting", "final"]

layer(layerPollsApi(), { excludeTestServices: true })("a poll that has closed", (it) => {
  it.effect("says so, takes no more votes, and stays closed at the time it was closed first", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll()
      const before = yield* voteIn(slug, "tea")
      const closed = yield* closePoll(slug)
      assert.strictEqual(closed.status, 200, closed.body)
      assert.include(hasClosed, json(closed).status)
      const after = yield* voteIn(slug, "coffee")
      const { detail, type } = assertProblem(after, 409)
      assert.deepStrictEqual([type, detail], ["urn:tallykeep:problem:poll-not-open", "The poll has closed"])
      assert.strictEqual(json(yield* closePoll(slug)).closes_at, json(closed).closes_at)
      assert.deepStrictEqual(yield* statusOf(before), { status: "counted" })
      yield* untilCounted(slug, { tea: 1, coffee: 0 })
    })
  )

  it.effect("refuses its tokens too", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ identity: "token" })
      const [token] = yield* tokensFor(slug, 1)
      yield* closePoll(slug)
      const { detail } = assertProblem(yield* voteIn(slug, "tea", bearer(token)), 403)
      assert.strictEqual(detail, "The poll has closed, and its tokens with it")
    })
  )

  it.effect("gives the same answer to a vote sent again with its key, also by cookie or token", () =>
    Effect.gen(function* () {
      for (const identity of ["anyone", "browser", "token"] as const) {
        const slug = yield* createPoll({ identity })
        const [token] = identity === "token" ? yield* tokensFor(slug, 1) : []
        const headers = { "idempotency-key": "again", ...(token === undefined ? {} : bearer(token)) }
        const first = yield* voteIn(slug, "tea", headers)
        assert.strictEqual(first.status, 201, first.body)
        yield* closePoll(slug)
        const again = yield* voteIn(slug, "tea", headers)
        assert.deepStrictEqual([again.status, again.body], [201, first.body], identity)
        const other = yield* voteIn(slug, "coffee", headers)
        assertProblem(other, 422)
        const another = yield* voteIn(slug, "tea", { ...headers, "idempotency-key": "new" })
        assertProblem(another, identity === "token" ? 403 : 409)
      }
    })
  )

  it.effect("does so too where its tokens end with it at a closing time", () =>
    Effect.gen(function* () {
      const { closesMs, first, headers, slug, token } = yield* beforeItCloses({ identity: "token" }, (slug, closesMs) =>
        Effect.gen(function* () {
          const [token] = yield* tokensFor(slug, 1)
          const headers = { "idempotency-key": "again", ...bearer(token) }
          const first = yield* voteIn(slug, "tea", headers)
          assert.strictEqual(first.status, 201, first.body)
          return { closesMs, first, headers, slug, token }
        })
      )
      // Past the closing time and the whole second that a token's own end is in.
      yield* Effect.sleep(Math.max(0, closesMs + 1_100 - Date.now()))
      assert.strictEqual((yield* voteIn(slug, "tea", headers)).body, first.body)
      const { detail } = assertProblem(yield* voteIn(slug, "coffee", bearer(token)), 403)
      assert.strictEqual(detail, "The poll has closed, and its tokens with it")
    })
  )

  it.effect("was not open before its time", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ opens_at: "2126-01-01T00:00:00Z" })
      const { detail } = assertProblem(yield* voteIn(slug, "tea"), 409)
      assert.strictEqual(detail, "The poll is not open yet")
    })
  )

  it.effect("is closed at other processes, too", () =>
    Effect.gen(function* () {
      const atOther = yield* anotherProcess()
      const slug = yield* createPoll()
      assert.strictEqual((yield* atOther(voteIn(slug, "tea"))).status, 201)
      yield* closePoll(slug)
      assertProblem(yield* atOther(voteIn(slug, "tea")), 409)
      assert.include(hasClosed, json(yield* atOther(request("GET", `/api/polls/${slug}`))).status)
    }).pipe(Effect.scoped)
  )
})

layer(layerPollsApi(), { excludeTestServices: true })(
  "a process that has not heard yet that a poll is closed",
  (it) => {
    /** Appends a vote as such a process does, or one that knows of a later version; returns whether the stream takes it. */
    const isTaken = (poll: string, version?: number) =>
      Effect.flatMap(VoteStream, (stream) =>
        stream.append({ voteId: makeVoteId(), poll, choice: "tea", castAt: 0 }, version).pipe(
          Effect.as(true),
          Effect.catchIf(isShut, () => Effect.succeed(false))
        )
      )
    const edit = (slug: string, changes: () => Partial<PollDefinition> | { readonly closes_at: null }) =>
      eventually(
        Effect.suspend(() =>
          request("PATCH", `/api/polls/${slug}`, { body: JSON.stringify(changes()), headers: asEditor })
        ).pipe(Effect.map((answer) => assert.strictEqual(answer.status, 200, answer.body)))
      )

    it.effect("can't take a vote, however it was closed, until it hears that it is open again", () =>
      Effect.gen(function* () {
        const slug = yield* createPoll()
        assert.isTrue(yield* isTaken(slug))
        yield* closePoll(slug)
        assert.isFalse(yield* isTaken(slug))
        assert.isTrue(yield* isTaken(yield* createPoll()))
        yield* post(`/api/polls/${slug}/reopen`, {}, asAdmin)
        assert.deepStrictEqual([yield* isTaken(slug), yield* isTaken(slug, 3)], [false, true])
        let soon = 0
        yield* edit(slug, () => {
          soon = Date.now() + 1_500
          return { closes_at: new Date(soon).toISOString() }
        })
        yield* Effect.sleep(Math.max(0, soon - Date.now()))
        assert.isFalse(yield* isTaken(slug, 3))
        yield* edit(slug, () => ({ closes_at: null }))
        assert.deepStrictEqual([yield* isTaken(slug, 3), yield* isTaken(slug, 5)], [false, true])
      })
    )

    it.effect("can't take one either while it is closed to be changed, nor once it is deleted", () =>
      Effect.gen(function* () {
        const slug = yield* createPoll()
        yield* edit(slug, () => ({ ballot: "once", identity: "browser" }))
        assert.isFalse(yield* isTaken(slug))
        const upcoming = yield* createPoll({ opens_at: "2126-01-01T00:00:00Z" })
        assert.isTrue(yield* isTaken(upcoming))
        yield* edit(upcoming, () => ({
          options: [
            { id: "coffee", label: "Coffee" },
            { id: "milk", label: "Milk" }
          ]
        }))
        assert.isFalse(yield* isTaken(upcoming))
        const other = yield* createPoll()
        yield* post(`/api/polls/${other}/archive`, {}, asAdmin)
        assert.isTrue(yield* isTaken(other))
        const deleted = yield* request("DELETE", `/api/polls/${other}?slug=${other}`, { headers: asAdmin })
        assert.strictEqual(deleted.status, 204, deleted.body)
        assert.isFalse(yield* isTaken(other))
        // Nor where there is another one of its name.
        yield* createPoll({ slug: other })
        const { etag } = (yield* request("GET", `/api/polls/${other}`)).headers
        const version = Number(etag?.replaceAll('"', ""))
        assert.deepStrictEqual([yield* isTaken(other, 2), yield* isTaken(other, version)], [false, true])
      })
    )

    it.effect("can't take one while it is closed to be changed, nor have that taken back", () =>
      Effect.gen(function* () {
        const slug = yield* createPoll()
        const [acts, { now, shutPoll, unshutPoll }] = [yield* PollActs, yield* VoteStream]
        const takeBack = makeTakeBack({ acts, now: Effect.sync(now), unshutPoll })(slug)
        const from = yield* acts.hold(slug, now(), hold, "close", (version) => shutPoll(slug, version + 1, now(), hold))
        yield* takeBack
        assert.isFalse(yield* isTaken(slug))
        yield* acts.hold(slug, from, hold, "open")
        assert.isFalse(yield* isTaken(slug))
        yield* takeBack
        assert.isTrue(yield* isTaken(slug))
      })
    )
  }
)

layer(layerPollsApi(), { excludeTestServices: true })("a poll that was not closed, though Redis was told so", (it) => {
  it.effect("takes votes again, as soon as one is sent", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll()
      // As before a transaction that fails.
      yield* Effect.flatMap(VoteStream, ({ now, shutPoll }) => shutPoll(slug, 2, now() - 1))
      const refused = yield* voteIn(slug, "tea")
      assertProblem(refused, 503)
      assert.isAtLeast(Number(refused.headers["retry-after"]), 1)
      yield* eventually(Effect.map(voteIn(slug, "tea"), ({ status }) => assert.strictEqual(status, 201)))
      yield* untilCounted(slug, { tea: 1, coffee: 0 })
    })
  )
})

layer(layerUncounted(), { excludeTestServices: true })("closing while nobody counts", (it) => {
  it.effect("a vote accepted before counts however late, one accepted after never", () =>
    Effect.gen(function* () {
      const stream = yield* VoteStream
      const redis = yield* Redis
      const { stream: keyPrefix } = yield* StreamSettings
      const slug = yield* createPoll()
      const before = yield* voteIn(slug, "tea")
      assert.strictEqual(json(yield* closePoll(slug)).status, "counting")
      // As a process takes it that has not heard of the closing yet, after a failover to a Redis that has not either.
      const voteId = makeVoteId()
      yield* Effect.promise(() => redis.client.del(shutHash({ keyPrefix })))
      const streamId = yield* stream.append({ voteId, poll: slug, choice: "coffee", castAt: 0 })
      yield* Layer.build(layerPool)
      assert.deepStrictEqual(yield* statusOf(before), { status: "counted" })
      yield* untilCounted(slug, { tea: 1, coffee: 0 })
      const after = yield* eventually(
        Effect.map(request("GET", `/api/votes/${voteId}?stream_id=${streamId}`), (answer) => {
          assert.strictEqual(json(answer).status, "rejected")
          return json(answer)
        })
      )
      assert.strictEqual(after.reason, "the poll was closed")
    }).pipe(Effect.scoped)
  )
})
