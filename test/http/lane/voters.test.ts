import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Poll } from "../../../src/domain/Poll.ts"
import { makeOwnTokens } from "../../../src/http/voting/OwnTokens.ts"
import { layerApi, request } from "../../support/api.ts"
import { comparable } from "../../support/comparable.ts"
import { makeProvider } from "../../support/identityProvider.ts"
import { layerOwnRegistry, parseMetrics } from "../../support/metrics.ts"
import { teaOrCoffeePoll } from "../../support/teaOrCoffee.ts"
import { World } from "../../support/world.ts"

const voterSecrets = ["what-signs-the-voters-of-these-tests", "what-signed-them-before"]
const provided = { iss: "https://id.example", aud: "votes" }

const pollWith = (identity: Poll["identity"], ballot: Poll["ballot"]): Poll => ({
  ...teaOrCoffeePoll,
  slug: `${identity}-${ballot}`,
  identity,
  ballot
})

const identities = ["browser", "token", "provider"] as const
const polls = identities.flatMap((identity) =>
  (["open", "once", "changeable"] as const).map((ballot) => pollWith(identity, ballot))
)
const closed: Poll = { ...pollWith("token", "open"), slug: "closed", closesMs: 1_000 }
const solved: Poll = { ...pollWith("browser", "open"), slug: "solved", challenge: "pow" }

const later = Math.floor(Date.now() / 1000) + 3_600

const makeTokens = Effect.gen(function* () {
  const provider = yield* makeProvider
  const ours = (slug: string, voterSecrets: ReadonlyArray<string>) =>
    Effect.map(
      makeOwnTokens(voterSecrets, Date.now).issue({ ...closed, slug, closesMs: later * 1_000 }, 1),
      ([token]) => `Bearer ${token}`
    )
  const theirs = (sub: string, claims: object = {}, alg: "RS256" | "ES256" = "RS256") =>
    Effect.map(provider.token({ ...provided, sub, ...claims }, alg), (token) => `Bearer ${token}`)
  const good = Object.fromEntries(
    yield* Effect.forEach([...polls, closed], ({ slug }) =>
      Effect.map(ours(slug, voterSecrets), (token) => [slug, token])
    )
  )
  const former = yield* ours("token-open", voterSecrets.slice(1))
  return {
    jwksUrl: provider.url,
    good,
    others: [
      former,
      yield* ours("token-open", ["another-secret-that-nobody-has-ever-had"]),
      former.slice(0, -1),
      former.replace("Bearer", "bearer  "),
      `${former}.x`,
      yield* theirs("alice"),
      yield* theirs("alice", {}, "ES256"),
      yield* theirs(""),
      yield* theirs("alice", { exp: 1 }),
      yield* theirs("alice", { nbf: later }),
      yield* theirs("alice", { iat: later }),
      yield* theirs("alice", { aud: "another" }),
      yield* theirs("alice", { iss: undefined }),
      "Bearer x.y.z",
      "Bearer",
      "Basic YTpi"
    ]
  }
})

const json = { "content-type": "application/json" }

/** What is answered to votes of all kinds of voters, and what was appended. */
const seen = (fastLane: boolean, { good, jwksUrl, others }: Effect.Success<typeof makeTokens>) =>
  Effect.gen(function* () {
    const world = yield* World
    world.polls = [...polls, closed, solved]
    yield* request("GET", "/api/polls/closed")
    const answers: Array<unknown> = []
    const statuses = new Set<number>()
    const vote = (slug: string, headers: Readonly<Record<string, string>>, body = '{"option":"tea"}') =>
      Effect.map(request("POST", `/api/polls/${slug}/votes`, { headers: { ...json, ...headers }, body }), (answer) => {
        statuses.add(answer.status)
        const cookie = answer.headers["set-cookie"]
        answers.push([slug, headers, body, comparable(answer)])
        return cookie?.split(";")[0] ?? ""
      })
    for (const { slug, identity } of [...polls, solved]) {
      const cookie = yield* vote(slug, {})
      yield* vote(slug, {})
      // Its own cookie, so what both servers saw of it is the same.
      const known = identity === "browser" ? "__Host-tallykeep_voter=x.y; a=b" : "a=b"
      for (const sent of [cookie, cookie, `${cookie}x`, known, `${known}; ${cookie}`]) {
        yield* vote(slug, { cookie: sent }).pipe(Effect.tap(() => Effect.sync(() => hide(answers))))
      }
      yield* vote(slug, { "idempotency-key": "k" })
      yield* vote(slug, { "idempotency-key": "k" })
      yield* vote(slug, { "idempotency-key": "k" }, '{"option":"coffee"}')
      yield* vote(slug, { "x-forwarded-for": "1.2.3.4, 5.6.7.8", "x-forwarded-proto": "http" })
      yield* vote(slug, {}, "{}")
    }
    for (const { slug } of [...polls, closed]) {
      for (const authorization of [good[slug], good[slug], ...others])
        yield* vote(slug, { authorization: `${authorization}` })
      yield* vote(slug, { authorization: `${good[slug]}`, "idempotency-key": "t" })
      yield* vote(slug, { authorization: `${good[slug]}`, "idempotency-key": "t" }, '{"option":"coffee"}')
    }
    const series = parseMetrics((yield* request("GET", "/metrics")).body)
    const passed = series.get("tallykeep_lane_passed_total") ?? 0
    const refusals = [...series].filter(([name]) => name.startsWith("tallykeep_refusals_total"))
    const appended = world.votes.map(({ choice, key, poll, voter }) => ({ choice, key, poll, voter }))
    return { answers, appended, passed, refusals, statuses: [...statuses].sort() }
  }).pipe(
    Effect.provide(
      layerApi({
        fastLane,
        production: true,
        trustProxy: 1,
        voterSecrets,
        newVoterLimit: { votes: 40, seconds: 3_600 },
        jwksUrl,
        jwtIssuer: provided.iss,
        jwtAudience: provided.aud
      }).pipe(Layer.provideMerge(layerOwnRegistry))
    )
  )

/** Forgets the cookie that was sent last, which is another one at each server. */
const hide = (answers: Array<unknown>): void => {
  const [slug, _headers, ...rest] = (answers.pop() ?? []) as ReadonlyArray<unknown>
  answers.push([slug, ...rest])
}

describe("votes of voters", () => {
  it.live("are answered by the lane as by the app, and are of the same voters", () =>
    Effect.gen(function* () {
      const tokens = yield* makeTokens
      const lane = yield* seen(true, tokens)
      const app = yield* seen(false, tokens)
      for (const [index, answer] of lane.answers.entries()) assert.deepStrictEqual(answer, app.answers[index])
      assert.strictEqual(lane.answers.length, app.answers.length)
      assert.deepStrictEqual(lane.refusals, app.refusals)
      assert.deepStrictEqual(lane.statuses, [201, 401, 403, 409, 422, 429])
      // New voters are others at each server.
      const known = ({ appended }: typeof lane) =>
        appended.map((vote) =>
          vote.poll.startsWith("browser") && vote.key === undefined ? { ...vote, voter: "" } : vote
        )
      assert.deepStrictEqual(known(lane), known(app))
      // What asks for a challenge.
      const inSolved = lane.answers.filter((answer) => JSON.stringify(answer).startsWith('["solved"')).length
      assert.strictEqual(lane.passed, inSolved)
    }).pipe(Effect.scoped)
  )
})
