import { assert, layer } from "@effect/vitest"
import type { Payload } from "altcha-lib"
import { Effect, Layer } from "effect"
import { OutOfService } from "../../../src/domain/Problems.ts"
import { VoteStream } from "../../../src/stream/VoteStream.ts"
import { assertProblem, json, request } from "../../support/api.ts"
import { askChallenge, makeChallenge, payloadOf, solutionFor, solutionOf } from "../../support/challenges.ts"
import { parseMetrics } from "../../support/metrics.ts"
import { uniqueName } from "../../support/names.ts"
import {
  anotherProcess,
  asAdmin,
  closePoll,
  createPoll,
  definition,
  layerPollsApi,
  layerProcess,
  post,
  untilCounted,
  voteIn
} from "../../support/pollsApi.ts"
import type { Answer } from "../../support/wire.ts"

const challenged = { challenge: "pow" } as const

const keyed = () => ({ "idempotency-key": uniqueName("key") })

const assertUnsolved = (answer: Answer, detail: RegExp) => {
  const problem = assertProblem(answer, 403)
  assert.strictEqual(problem.type, "urn:tallykeep:problem:challenge")
  assert.match(String(problem.detail), detail)
}

const times = <A, E, R>(count: number, each: (index: number) => Effect.Effect<A, E, R>) =>
  Effect.all(
    Array.from({ length: count }, (_, index) => each(index)),
    { concurrency: "unbounded" }
  )

layer(layerPollsApi(), { excludeTestServices: true })("a poll with a challenge", (it) => {
  it.effect("gives one to whoever asks, and takes a vote with its solution, at whatever process", () =>
    Effect.gen(function* () {
      const poll = definition(challenged)
      const made = yield* post("/api/polls", poll, asAdmin)
      assert.strictEqual(json(made).challenge, "pow")
      assert.strictEqual(json(yield* request("GET", `/api/polls/${poll.slug}`)).challenge, "pow")
      const asked = yield* request("GET", `/api/polls/${poll.slug}/challenge`)
      assert.strictEqual(asked.headers["cache-control"], "no-store")
      const before = Date.now() / 1000
      const challenge = yield* askChallenge(poll.slug)
      assert.notStrictEqual(challenge.signature, json(asked).signature)
      assert.deepStrictEqual(challenge.parameters.data, { poll: poll.slug })
      assert.approximately(Number(challenge.parameters.expiresAt), before + 600, 5)
      const atOther = yield* anotherProcess()
      const solution = solutionOf(yield* payloadOf(challenge))
      assert.strictEqual((yield* atOther(voteIn(poll.slug, "tea", solution))).status, 201)
      yield* untilCounted(poll.slug, { tea: 1, coffee: 0 })
    }).pipe(Effect.scoped)
  )

  it.effect("takes no vote without a solution that is its own, whole and in time", () =>
    Effect.gen(function* () {
      const [slug, other] = [yield* createPoll(challenged), yield* createPoll(challenged)]
      const refused = Effect.map(request("GET", "/metrics"), ({ body }) =>
        Number(parseMetrics(body).get('tallykeep_refusals_total{reason="solutions"}') ?? 0)
      )
      const good = yield* Effect.flatMap(makeChallenge(slug), payloadOf)
      const { challenge, solution } = good
      const withParameters = (changed: object): Payload => ({
        solution,
        challenge: { ...challenge, parameters: { ...challenge.parameters, ...changed } }
      })
      const before = yield* refused
      const wrong: ReadonlyArray<readonly [string, Readonly<Record<string, string>>]> = [
        ["no base64", { "challenge-solution": "%%%" }],
        ["no JSON", { "challenge-solution": Buffer.from("{").toString("base64") }],
        ["nothing of it", solutionOf({})],
        ["null", solutionOf(null)],
        ["the challenge alone", solutionOf({ challenge })],
        ["more than any solution", { "challenge-solution": "A".repeat(4_000) }],
        ["a later end", solutionOf(withParameters({ expiresAt: Number(challenge.parameters.expiresAt) + 1 }))],
        ["less to do", solutionOf(withParameters({ keyPrefix: "00" }))],
        ["no signature of the key", solutionOf(withParameters({ keySignature: undefined }))],
        ["another poll's name", solutionOf(withParameters({ data: { poll: other } }))],
        ["another poll's", yield* solutionFor(other)],
        ["a guess", solutionOf({ challenge, solution: { ...solution, derivedKey: "00".repeat(32) } })],
        [
          "half a key",
          solutionOf({ challenge, solution: { ...solution, derivedKey: challenge.parameters.keyPrefix } })
        ],
        ["no count", solutionOf({ challenge, solution: { ...solution, counter: -1 } })],
        [
          "another's signature",
          solutionOf(yield* Effect.flatMap(makeChallenge(slug, {}, "of another service"), payloadOf))
        ]
      ]
      for (const [what, headers] of wrong) {
        const answer = yield* voteIn(slug, "tea", headers)
        assert.strictEqual(answer.status, 403, what)
        assertUnsolved(answer, /solves no challenge of this poll/)
      }
      assert.strictEqual(yield* refused, before + wrong.length)

      const late = yield* makeChallenge(slug, { expiresAt: Math.floor(Date.now() / 1000) - 1 })
      assertUnsolved(yield* voteIn(slug, "tea", solutionOf(yield* payloadOf(late))), /has expired/)
      assertUnsolved(yield* voteIn(slug, "tea"), /in the header Challenge-Solution/)
      // Whoever is late or does not know is no attacker.
      assert.strictEqual(yield* refused, before + wrong.length)

      assert.strictEqual((yield* voteIn(slug, "coffee", solutionOf(good))).status, 201)
      yield* untilCounted(slug, { tea: 0, coffee: 1 })
    })
  )

  it.effect("takes one vote for each solution, of many at once at two processes", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll(challenged)
      const atOther = yield* anotherProcess()
      const solutions = yield* Effect.forEach([1, 2, 3], () => solutionFor(slug))
      for (const solution of solutions) {
        const answers = yield* times(20, (index) => {
          // With a key, and without.
          const vote = voteIn(slug, "tea", index % 3 === 0 ? { ...solution, ...keyed() } : solution)
          return index % 2 === 0 ? vote : atOther(vote)
        })
        const [taken, others] = [
          answers.filter(({ status }) => status === 201),
          answers.filter(({ status }) => status !== 201)
        ]
        assert.lengthOf(taken, 1)
        for (const answer of others) assertUnsolved(answer, /used for another vote/)
      }
      yield* untilCounted(slug, { tea: 3, coffee: 0 })
    }).pipe(Effect.scoped)
  )

  it.effect("answers a vote that is sent again with its key the same, with its solution, another one or none", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ...challenged, identity: "browser" })
      const atOther = yield* anotherProcess()
      const [solution, key] = [yield* solutionFor(slug), keyed()]
      const copies = yield* times(10, (index) => {
        const vote = voteIn(slug, "tea", { ...solution, ...key })
        return index % 2 === 0 ? vote : atOther(vote)
      })
      const [first] = copies
      const again = [
        ...copies,
        yield* voteIn(slug, "tea", { ...key, ...(yield* solutionFor(slug)) }),
        yield* atOther(voteIn(slug, "tea", key)),
        yield* voteIn(slug, "tea", { ...key, "challenge-solution": "nonsense" })
      ]
      for (const answer of again) assert.deepStrictEqual([answer.status, answer.body], [201, first?.body])
      assertProblem(yield* voteIn(slug, "coffee", { ...solution, ...key }), 422)
      assertProblem(yield* voteIn(slug, "coffee", key), 422)
      assertUnsolved(yield* voteIn(slug, "tea", { ...solution, ...keyed() }), /used for another vote/)
      yield* closePoll(slug)
      assert.strictEqual((yield* voteIn(slug, "tea", key)).body, first?.body)
      yield* untilCounted(slug, { tea: 1, coffee: 0 })
    }).pipe(Effect.scoped)
  )

  it.effect("takes the solution again where the vote that it came with was not taken for an outage", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll(challenged)
      let failures = 0
      const remembered: Array<number> = []
      const failing = Layer.effect(
        VoteStream,
        Effect.map(VoteStream, (stream) => ({
          ...stream,
          spend: (use: Parameters<typeof stream.spend>[0]) => {
            remembered.push(use.remember)
            return stream.spend(use)
          },
          appendOnce: (...vote: Parameters<typeof stream.appendOnce>) =>
            failures++ === 0
              ? new OutOfService({ part: "redis", cause: new Error("no answer") })
              : stream.appendOnce(...vote)
        }))
      )
      const context = yield* Layer.build(layerProcess().pipe(Layer.provide(failing)))
      const headers = { ...(yield* solutionFor(slug)), ...keyed() }
      const vote = Effect.provideContext(voteIn(slug, "tea", headers), context)
      assertProblem(yield* vote, 503)
      assert.strictEqual((yield* vote).status, 201)
      yield* untilCounted(slug, { tea: 1, coffee: 0 })
      // By a clock that is a minute behind, a challenge of ten minutes holds for eleven.
      assert.lengthOf(remembered, 2)
      for (const ms of remembered) assert.approximately(ms, 660_000, 20_000)
    }).pipe(Effect.scoped)
  )

  it.effect("needs a VOTER_SECRET at each process", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll(challenged)
      const without = yield* anotherProcess({ voterSecrets: [] })
      for (const asked of [
        request("GET", `/api/polls/${slug}/challenge`),
        Effect.flatMap(solutionFor(slug), (solution) => voteIn(slug, "tea", solution))
      ]) {
        assert.match(String(assertProblem(yield* without(asked), 403).detail), /VOTER_SECRET/)
      }
    }).pipe(Effect.scoped)
  )

  it.effect("holds no longer than a key is remembered", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll(challenged)
      const brief = yield* anotherProcess({ idempotencyTtl: 5_000 })
      const before = Date.now() / 1000
      const { parameters } = yield* brief(askChallenge(slug))
      assert.approximately(Number(parameters.expiresAt), before + 5, 5)
    }).pipe(Effect.scoped)
  )

  it.effect("is one where its definition says so", () =>
    Effect.gen(function* () {
      const plain = definition({ challenge: "none" })
      assert.notProperty(json(yield* post("/api/polls", plain, asAdmin)), "challenge")
      for (const slug of [plain.slug, "cats-or-dogs"]) {
        const { detail } = assertProblem(yield* request("GET", `/api/polls/${slug}/challenge`), 404)
        assert.strictEqual(detail, "The poll has no challenge")
      }
      assert.strictEqual((yield* voteIn(plain.slug, "tea")).status, 201)
      const { detail } = assertProblem(yield* request("GET", "/api/polls/nowhere/challenge"), 404)
      assert.strictEqual(detail, "There is no such poll")
      const other = yield* post("/api/polls", { ...definition(), challenge: "captcha" }, asAdmin)
      assert.deepInclude(assertProblem(other, 422), {
        errors: [{ pointer: "#/challenge", detail: "must be none or pow" }]
      })
    })
  )
})
