import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertProblem, json } from "../../support/api.ts"
import { askChallenge, payloadOf, solutionOf } from "../../support/challenges.ts"
import { makeProvider } from "../../support/identityProvider.ts"
import {
  anotherProcess,
  asAdmin,
  bearer,
  cookieOf,
  createPoll,
  layerPollsApi,
  post,
  statusOf,
  tokensFor,
  voteIn,
  voterSecret
} from "../../support/pollsApi.ts"
import type { Answer } from "../../support/wire.ts"

const next = "what-signs-the-voters-from-now-on"

/** What every process has, one after the other, while the secret changes. */
const steps = [[voterSecret], [voterSecret, next, voterSecret], [next, voterSecret], [next]] as const

/** The processes of two steps, which run side by side while all are restarted; in either order. */
const sideBySide = [
  [steps[0], steps[1]],
  [steps[1], steps[0]],
  [steps[1], steps[2]],
  [steps[2], steps[1]]
] as const

/** Waits until the ledger has decided on a vote. */
const becomes = <E, R>(status: "counted" | "rejected", vote: Effect.Effect<Answer, E, R>) =>
  Effect.tap(vote, (answer) => Effect.map(statusOf(answer), (found) => assert.strictEqual(found.status, status)))

layer(layerPollsApi(), { excludeTestServices: true })("while VOTER_SECRET changes, a voter", (it) => {
  it.effect.each(sideBySide)("is the same one to all processes: %j, %j", ([one, other]) =>
    Effect.gen(function* () {
      const { token, url } = yield* makeProvider
      const provider = { jwksUrl: url, jwtIssuer: "https://id.example", jwtAudience: "votes" }
      const atOne = yield* anotherProcess({ ...provider, voterSecrets: one })
      const [anyone, browsers, holders, users] = yield* Effect.all([
        atOne(createPoll({ challenge: "pow" })),
        atOne(createPoll({ ballot: "once", identity: "browser" })),
        atOne(createPoll({ ballot: "once", identity: "token" })),
        atOne(createPoll({ ballot: "once", identity: "provider" }))
      ])
      // It reads the polls when it is asked for the first time.
      const atOther = yield* anotherProcess({ ...provider, voterSecrets: other })

      const solution = solutionOf(yield* Effect.flatMap(atOne(askChallenge(anyone)), payloadOf))
      assert.strictEqual((yield* atOther(voteIn(anyone, "tea", solution))).status, 201)

      const cookie = cookieOf(yield* becomes("counted", atOne(voteIn(browsers, "tea"))))
      yield* becomes("rejected", atOther(voteIn(browsers, "coffee", cookie)))

      const keyed = { "idempotency-key": "the-one-and-only" }
      const first = yield* atOne(voteIn(browsers, "tea", keyed))
      assert.deepStrictEqual(json(yield* atOther(voteIn(browsers, "tea", keyed))), json(first))

      const [ours] = yield* atOne(tokensFor(holders, 1))
      yield* becomes("counted", atOne(voteIn(holders, "tea", bearer(ours))))
      yield* becomes("rejected", atOther(voteIn(holders, "coffee", bearer(ours))))

      const alice = bearer(yield* token({ iss: provider.jwtIssuer, aud: provider.jwtAudience, sub: "alice" }))
      yield* becomes("counted", atOne(voteIn(users, "tea", alice)))
      yield* becomes("rejected", atOther(voteIn(users, "coffee", alice)))
    }).pipe(Effect.scoped)
  )

  it.effect("of the new secret stays when the old one goes, and of the old one is unknown then", () =>
    Effect.gen(function* () {
      const [before, , changed, after] = steps
      const slug = yield* createPoll({ ballot: "once", identity: "token" })
      const browsers = yield* createPoll({ ballot: "once", identity: "browser" })
      const at = (voterSecrets: ReadonlyArray<string>) => anotherProcess({ voterSecrets })
      const [old] = yield* (yield* at(before))(tokensFor(slug, 1))
      const [made] = yield* (yield* at(changed))(tokensFor(slug, 1))
      const atLast = yield* at(after)
      assertProblem(yield* atLast(voteIn(slug, "tea", bearer(old))), 401)
      assert.strictEqual((yield* atLast(voteIn(slug, "tea", bearer(made)))).status, 201)
      // Of two cookies, it is the new one that is known: no other is set.
      const cookies = [yield* at(before), yield* at(changed)].map((process) => process(voteIn(browsers, "tea")))
      const known = yield* Effect.forEach(cookies, (vote) =>
        Effect.flatMap(vote, (first) => atLast(voteIn(browsers, "tea", cookieOf(first))))
      )
      assert.deepStrictEqual(
        known.map(({ headers }) => headers["set-cookie"] === undefined),
        [false, true]
      )
    }).pipe(Effect.scoped)
  )
})

layer(layerPollsApi(), { excludeTestServices: true })("while ADMIN_TOKEN changes", (it) => {
  it.effect("both open the admin's endpoints, and nothing else does", () =>
    Effect.gen(function* () {
      const [former, present] = ["the-token-of-yesterday", "the-token-of-tomorrow"]
      const changing = yield* anotherProcess({ adminTokens: [present, former] })
      for (const [token, status] of [
        [former, 422],
        [present, 422],
        [`${present} ${former}`, 401],
        ["neither-of-the-two", 401]
      ] as const) {
        assertProblem(yield* changing(post("/api/polls", {}, bearer(token))), status)
      }
      assertProblem(yield* changing(post("/api/polls", {}, asAdmin)), 401)
    }).pipe(Effect.scoped)
  )
})
