import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { defaultPoll, type Poll } from "../../../src/domain/Poll.ts"
import { OutOfService } from "../../../src/domain/Problems.ts"
import { Defences } from "../../../src/http/Defences.ts"
import { PollCache } from "../../../src/http/polls/PollCache.ts"
import { Ballots } from "../../../src/http/voting/Ballots.ts"
import { Challenges } from "../../../src/http/voting/Challenges.ts"
import { PollActs } from "../../../src/ledger/PollActs.ts"
import { Backlog } from "../../../src/stream/Backlog.ts"
import { VoteStream } from "../../../src/stream/VoteStream.ts"
import { request } from "../../support/api.ts"
import {
  anotherProcess,
  asAdmin,
  closePoll,
  createPoll,
  layerPollsApi,
  post,
  untilCounted,
  voteIn
} from "../../support/pollsApi.ts"
import { noKeyMemory, streamId } from "../../support/world.ts"

layer(layerPollsApi(), { excludeTestServices: true })("a poll that another process has opened again", (it) => {
  it.effect("takes the votes that come before this process has heard of it", () =>
    Effect.gen(function* () {
      const atOther = yield* anotherProcess()
      const slug = yield* createPoll()
      for (let round = 0; round < 5; round++) {
        yield* closePoll(slug)
        const reopened = yield* post(`/api/polls/${slug}/reopen`, {}, asAdmin)
        assert.strictEqual(reopened.status, 200, reopened.body)
        const votes = yield* Effect.all(
          Array.from({ length: 8 }, () => atOther(voteIn(slug, "tea"))),
          { concurrency: "unbounded" }
        )
        for (const { body, status } of votes) assert.strictEqual(status, 201, body)
      }
      yield* untilCounted(slug, { tea: 40, coffee: 0 })
      assert.strictEqual((yield* atOther(request("GET", `/api/polls/${slug}/results`))).status, 200)
    }).pipe(Effect.scoped)
  )
})

describe("a poll that another process has changed", () => {
  const accepted = Number(streamId.split("-")[0])
  /** What the poll is by now, where this process goes by `known`, and Redis refuses votes by less than a version. */
  const cast = (
    known: Partial<Poll>,
    current: Partial<Poll>,
    now: number,
    key?: string,
    refusal?: { readonly below: number; readonly says?: string }
  ) => {
    const done = { appended: 0, renewed: 0, takenBack: 0 }
    const poll = { ...defaultPoll, ...known }
    const layerBallots = Ballots.layer.pipe(
      Layer.provide([
        Layer.mock(VoteStream, {
          now: () => now,
          keyMemory: noKeyMemory,
          append: (_vote, version = 0) =>
            Effect.suspend(() => {
              if (refusal !== undefined && version < refusal.below)
                return new OutOfService({
                  part: "redis",
                  cause: new Error(refusal.says ?? "SHUT the poll takes no votes")
                })
              done.appended++
              return Effect.succeed(streamId)
            }),
          findKey: () => Effect.succeed({ streamId, voteId: "first", choice: "dogs" })
        }),
        Layer.mock(PollCache, {
          all: () => [],
          find: () => undefined,
          renewed: () =>
            Effect.sync(() => {
              done.renewed++
              return { ...defaultPoll, ...current }
            })
        }),
        Layer.mock(Challenges, {}),
        Layer.mock(PollActs, {
          act: () =>
            Effect.suspend(() => {
              done.takenBack++
              return new OutOfService({ part: "database", cause: new Error("it is away") })
            })
        }),
        Layer.succeed(Backlog, { pending: () => 0, isFull: () => false }),
        Layer.succeed(Defences, { report: () => undefined })
      ])
    )
    return Effect.flatMap(Ballots, (ballots) =>
      Effect.map(
        // What it begins besides comes after its answer.
        Effect.tap(Effect.result(ballots.cast({ poll, choice: "cats", voter: undefined, key })), Effect.yieldNow),
        (result) => ({
          refused: result._tag === "Failure" ? result.failure.detail : undefined,
          ...done
        })
      )
    ).pipe(Effect.provide(layerBallots))
  }
  const taken = { refused: undefined, appended: 1 }

  it.effect("takes a vote by the times that it has by now", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* cast({ closesMs: accepted - 1 }, {}, accepted), { ...taken, renewed: 1 })
      assert.deepInclude(yield* cast({}, {}, accepted), { ...taken, renewed: 0 })
    })
  )

  it.effect("confirms one that came in before the closing time of now, and takes it once", () =>
    Effect.gen(function* () {
      const closesMs = accepted
      assert.deepInclude(yield* cast({ closesMs }, { closesMs: accepted + 1 }, accepted - 1), taken)
      const late = yield* cast({ closesMs }, { closesMs, title: "Which?" }, accepted - 1)
      assert.deepInclude(late, { refused: "The poll has closed", appended: 1, renewed: 1 })
    })
  )

  it.effect("refuses one that the stream does not take, as what it is by now says", () =>
    Effect.gen(function* () {
      const refused = (current: Partial<Poll>, says?: string) =>
        Effect.map(
          cast({}, current, accepted, undefined, { below: 3, ...(says === undefined ? {} : { says }) }),
          ({ appended, refused, renewed, takenBack }) => {
            assert.strictEqual(appended, 0)
            return [refused, renewed, takenBack]
          }
        )
      assert.deepStrictEqual(yield* refused({ closesMs: accepted, version: 2 }), ["The poll has closed", 1, 0])
      const [held] = yield* refused({ shut: [[accepted - 1, accepted + 5_000]] })
      assert.include(held, "in 5 s")
      const unknown = "Voting service temporarily unavailable"
      // Nobody may know what it is by now, nor whether it is to be something else: that is looked into.
      assert.deepStrictEqual(yield* refused({}), [unknown, 1, 1])
      assert.deepStrictEqual(yield* refused({ version: 2 }), [unknown, 2, 1])
      assert.deepStrictEqual(yield* refused({ version: 3, ballot: "once", identity: "browser" }), [unknown, 1, 0])
      const away = yield* refused({ version: 3 }, "READONLY You can't write against a read only replica.")
      assert.deepStrictEqual(away, [unknown, 0, 0])
    })
  )

  it.effect("takes one that the stream does not take by what it was, but by what it is", () =>
    Effect.gen(function* () {
      const reopened = yield* cast({}, { title: "Which?", version: 3 }, accepted, undefined, { below: 3 })
      assert.deepInclude(reopened, { ...taken, renewed: 1, takenBack: 0 })
    })
  )

  it.effect("refuses one where something else has changed that decides over votes, or its key is another vote's", () =>
    Effect.gen(function* () {
      const closed = { closesMs: accepted - 1 }
      const refused = { refused: "The poll has closed", appended: 0, renewed: 1 }
      assert.deepInclude(yield* cast(closed, { ballot: "once", identity: "browser" }, accepted), refused)
      assert.deepInclude(yield* cast(closed, { closesMs: accepted }, accepted), refused)
      const reused = yield* cast(closed, { ballot: "once" }, accepted, "a-key")
      assert.deepInclude(reused, { refused: "This Idempotency-Key was used with another vote", appended: 0 })
    })
  )
})
