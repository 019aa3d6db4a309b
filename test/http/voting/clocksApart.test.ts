import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { defaultPoll } from "../../../src/domain/Poll.ts"
import { makeVoteId } from "../../../src/domain/Vote.ts"
import { Defences } from "../../../src/http/Defences.ts"
import { PollCache } from "../../../src/http/polls/PollCache.ts"
import { Ballots } from "../../../src/http/voting/Ballots.ts"
import { Challenges } from "../../../src/http/voting/Challenges.ts"
import { PollActs } from "../../../src/ledger/PollActs.ts"
import { Backlog } from "../../../src/stream/Backlog.ts"
import { command, Redis } from "../../../src/stream/Redis.ts"
import { isShut } from "../../../src/stream/ShutPolls.ts"
import { StreamSettings } from "../../../src/stream/StreamSettings.ts"
import { VoteStream } from "../../../src/stream/VoteStream.ts"
import { assertProblem, json, request } from "../../support/api.ts"
import {
  anotherProcess,
  bearer,
  closePoll,
  createPoll,
  layerPollsApi,
  statusOf,
  tokensFor,
  untilCounted,
  untilFinal,
  voteIn
} from "../../support/pollsApi.ts"
import { withPublicFolder } from "../../support/publicFolder.ts"
import { eventually } from "../../support/servers.ts"
import { noKeyMemory, streamId } from "../../support/world.ts"

const hour = 3_600_000

const at = (ms: number) => new Date(Date.now() + ms).toISOString()

const rejected = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql<{ poll: string }>`select poll from vote_event where status = 'rejected'`
)

/** Appends a vote with an id an hour ahead, as a Redis does whose clock is wrong for a moment; returns that id's time. */
const stepAhead = Effect.gen(function* () {
  const { client } = yield* Redis
  const { stream } = yield* StreamSettings
  const ahead = Date.now() + hour
  const fields = { v: "1", vote_id: makeVoteId(), poll: defaultPoll.slug, option: "cats", cast_at: "1" }
  yield* command(() => client.xadd(stream, `${ahead}-0`, ...Object.entries(fields).flat()))
  return ahead
})

/** Ways to vote: through the lane, through the app, which chunks are left to, and by the page's form. */
const ways = {
  lane: (slug: string) => voteIn(slug, "tea"),
  app: (slug: string) => voteIn(slug, "tea", { "transfer-encoding": "chunked" }),
  form: (slug: string) =>
    request("POST", `/polls/${slug}`, {
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: "option=tea"
    })
}

const layerAhead = Layer.effectDiscard(stepAhead).pipe(
  Layer.provideMerge(withPublicFolder((folder) => layerPollsApi({}, folder)))
)

layer(layerAhead, { excludeTestServices: true })("a stream whose ids are an hour ahead of the clock", (it) => {
  it.effect("closes polls by its ids: none takes a vote that would be rejected", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ closes_at: at(hour / 2), results: "after_close" })
      for (const [way, vote] of Object.entries(ways)) {
        const answer = yield* vote(slug)
        assert.strictEqual(answer.status, 409, `${way}: ${answer.body}`)
        // The page may show by then that all votes are counted, too.
        assert.match(answer.body, /closed|not open for votes/, way)
      }
      const { body } = yield* request("GET", `/polls/${slug}`)
      assert.match(body, /data-status="(counting|final)"/)
      assert.isAbove(Number(/data-now="(\d+)"/.exec(body)?.[1]), Date.now() + hour / 2)
      yield* untilFinal(slug)
      const results = yield* request("GET", `/api/polls/${slug}/results`)
      assert.deepInclude(json(results), { status: "final", total_votes: 0 })
      assert.isAbove(Number(results.headers["poll-time"]), Date.now() + hour / 2)
      assert.deepStrictEqual(yield* rejected, [])
    })
  )

  it.effect("opens them by its ids, and all votes count", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ opens_at: at(hour / 2), closes_at: at(2 * hour) })
      for (const [way, vote] of Object.entries(ways)) {
        const answer = yield* vote(slug)
        assert.strictEqual(answer.status, way === "form" ? 303 : 201, `${way}: ${answer.body}`)
      }
      yield* untilCounted(slug, { tea: 3, coffee: 0 })
      assert.deepStrictEqual(yield* rejected, [])
    })
  )

  it.effect("closes a poll now after the votes that it has, and before all others", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll()
      const atOther = yield* anotherProcess()
      const before = yield* voteIn(slug, "tea")
      const closed = json(yield* closePoll(slug))
      assert.include(["counting", "final"], closed.status)
      assertProblem(yield* voteIn(slug, "coffee"), 409)
      assert.deepStrictEqual(yield* statusOf(before), { status: "counted" })
      // As a process would take it that has not heard of the closing yet.
      const stream = yield* VoteStream
      const late = yield* Effect.flip(stream.append({ voteId: makeVoteId(), poll: slug, choice: "coffee", castAt: 0 }))
      assert.isTrue(isShut(late))
      yield* eventually(Effect.map(atOther(voteIn(slug, "coffee")), (answer) => assertProblem(answer, 409)))
      yield* untilCounted(slug, { tea: 1, coffee: 0 })
    }).pipe(Effect.scoped)
  )

  it.effect("takes tokens until their poll has been closed for a day by its ids", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ identity: "token", opens_at: at(hour / 2), closes_at: at(2 * hour) })
      const [token] = yield* tokensFor(slug, 1)
      const claims: unknown = JSON.parse(Buffer.from(token?.split(".")[1] ?? "", "base64url").toString())
      assert.isAbove((claims as { readonly iat: number }).iat, (Date.now() + hour / 2) / 1000)
      assert.strictEqual((yield* voteIn(slug, "tea", bearer(token))).status, 201)
    })
  )
})

layer(layerPollsApi(), { excludeTestServices: true })("a clock that goes ahead while votes come in", (it) => {
  it.effect("confirms no vote that is rejected, not even the first", () =>
    Effect.gen(function* () {
      const slugs = yield* Effect.all(Array.from({ length: 5 }, () => createPoll({ closes_at: at(hour / 2) })))
      for (const slug of slugs) assert.strictEqual((yield* voteIn(slug, "tea")).status, 201)
      yield* stepAhead
      for (const slug of slugs) {
        const sent = [voteIn(slug, "tea"), voteIn(slug, "tea", { "idempotency-key": "k" })]
        for (const vote of sent) assertProblem(yield* vote, 409)
        assertProblem(yield* voteIn(slug, "tea", { "idempotency-key": "k" }), 409)
        yield* untilCounted(slug, { tea: 1, coffee: 0 })
      }
    })
  )
})

describe("a vote whose entry turns out to be too late, or too early", () => {
  const accepted = Number(streamId.split("-")[0])
  const voter = { hash: "a-voter" }
  const appended = (choice: string) => ({ streamId, voteId: "", choice })
  let now = accepted
  const layerBallots = Ballots.layer.pipe(
    Layer.provide([
      Layer.mock(VoteStream, {
        now: () => now,
        keyMemory: noKeyMemory,
        append: () => Effect.succeed(streamId),
        appendOnce: ({ choice }) => Effect.succeed(appended(choice)),
        findKey: () => Effect.succeed(appended("cats"))
      }),
      Layer.mock(Challenges, {}),
      Layer.mock(PollActs, {}),
      Layer.mock(PollCache, { all: () => [], find: () => undefined, renewed: Effect.succeed }),
      Layer.succeed(Backlog, { pending: () => 0, isFull: () => false }),
      Layer.succeed(Defences, { report: () => undefined })
    ])
  )

  it.effect.each([
    ["The poll has closed", accepted - 1, { closesMs: accepted }],
    ["The poll is not open yet", accepted + 1, { opensMs: accepted + 1 }],
    [undefined, accepted, { opensMs: accepted, closesMs: accepted + 1 }]
  ] as const)("is told so, with a key or without: %s", ([detail, seen, times]) =>
    Effect.gen(function* () {
      now = seen
      const ballots = yield* Ballots
      const poll = { ...defaultPoll, ballot: "once", identity: "browser", ...times } as const
      for (const key of [undefined, "a-key"]) {
        const result = yield* Effect.result(ballots.cast({ poll, choice: "cats", voter, key }))
        assert.strictEqual(result._tag === "Failure" ? result.failure.detail : undefined, detail)
        // One that does not count is not this voter's vote.
        assert.strictEqual(ballots.hasCast(poll, voter), detail === undefined)
        if (detail === undefined) return
      }
    }).pipe(Effect.provide(layerBallots))
  )

  it.effect("is no vote in another poll of the slug, which opens after the former one was deleted", () =>
    Effect.gen(function* () {
      now = accepted
      const ballots = yield* Ballots
      const poll = { ...defaultPoll, ballot: "once", identity: "browser" } as const
      const voted = { poll, choice: "cats", voter, key: undefined }
      yield* ballots.cast(voted)
      assert.strictEqual((yield* Effect.flip(ballots.cast(voted)))._tag, "HasVoted")
      const again = { ...voted, poll: { ...poll, opensMs: accepted } }
      assert.isFalse(ballots.hasCast(again.poll, voter))
      yield* ballots.cast(again)
      assert.isTrue(ballots.hasCast(again.poll, voter))
    }).pipe(Effect.provide(layerBallots))
  )
})
