import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertProblem } from "../../support/api.ts"
import {
  anotherProcess,
  bearer,
  cookieOf,
  createPoll,
  layerPollsApi,
  statusOf,
  tokensFor,
  untilCounted,
  voteIn
} from "../../support/pollsApi.ts"

layer(layerPollsApi(), { excludeTestServices: true })("the ballot", (it) => {
  it.effect("`once` refuses a second vote where the first was taken, and elsewhere the ledger does", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ballot: "once", identity: "browser" })
      const atOther = yield* anotherProcess()
      const first = yield* voteIn(slug, "tea")
      const here = yield* voteIn(slug, "coffee", cookieOf(first))
      const { detail, type } = assertProblem(here, 409)
      assert.deepStrictEqual(
        [type, detail],
        ["urn:tallykeep:problem:has-voted", "You have voted; in this poll the first vote counts"]
      )
      const elsewhere = yield* atOther(voteIn(slug, "coffee", cookieOf(first)))
      // Until the first one is in the ledger, the other one may count.
      assert.deepStrictEqual(yield* statusOf(first), { status: "counted" })
      assert.deepStrictEqual(yield* statusOf(elsewhere), { status: "rejected", reason: "the voter has voted" })
      assertProblem(yield* atOther(voteIn(slug, "coffee", cookieOf(first))), 409)
      yield* untilCounted(slug, { tea: 1, coffee: 0 })
    }).pipe(Effect.scoped)
  )

  it.effect("`once` counts one of many votes at once", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ballot: "once", identity: "token" })
      const [token] = yield* tokensFor(slug, 1)
      const answers = yield* Effect.all(
        Array.from({ length: 20 }, () => voteIn(slug, "tea", bearer(token))),
        { concurrency: "unbounded" }
      )
      for (const { status } of answers) assert.include([201, 409], status)
      yield* untilCounted(slug, { tea: 1, coffee: 0 })
    })
  )

  it.effect("`changeable` counts the latest, and calls the former superseded", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ballot: "changeable", identity: "browser" })
      const first = yield* voteIn(slug, "tea")
      const second = yield* voteIn(slug, "coffee", cookieOf(first))
      const third = yield* voteIn(slug, "tea", cookieOf(first))
      const other = yield* voteIn(slug, "tea")
      assert.deepStrictEqual(yield* statusOf(other), { status: "counted" })
      assert.deepStrictEqual(yield* statusOf(third), { status: "counted" })
      assert.deepStrictEqual(yield* statusOf(first), { status: "superseded" })
      assert.deepStrictEqual(yield* statusOf(second), { status: "superseded" })
      yield* untilCounted(slug, { tea: 2, coffee: 0 })
    })
  )

  it.effect("`open` counts each vote of a voter", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ballot: "open", identity: "browser" })
      const first = yield* voteIn(slug, "tea")
      yield* voteIn(slug, "coffee", cookieOf(first))
      yield* voteIn(slug, "tea", cookieOf(first))
      yield* untilCounted(slug, { tea: 2, coffee: 1 })
    })
  )
})
