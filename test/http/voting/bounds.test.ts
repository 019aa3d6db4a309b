import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertProblem, request } from "../../support/api.ts"
import { parseMetrics } from "../../support/metrics.ts"
import {
  adminToken,
  bearer,
  cookieOf,
  createPoll,
  layerUncounted,
  post,
  tokensFor,
  voteIn
} from "../../support/pollsApi.ts"
import { withPublicFolder } from "../../support/publicFolder.ts"

const settings = { trustProxy: 1, newVoterLimit: { votes: 3, seconds: 3_600 } }
const layerBounded = withPublicFolder((folder) => layerUncounted(settings, folder))

/** Returns the most that is allowed by now, of `burst` at once and one more after every so many seconds. */
const allowance = (burst: number, seconds: number) => {
  const start = performance.now()
  return () => burst + Math.ceil((performance.now() - start) / (1_000 * seconds))
}

layer(layerBounded, { excludeTestServices: true })("the bounds of one stranger", (it) => {
  it.effect("a voter of a changeable poll makes at most 60 rows at once, and has the same answer for a used key", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ballot: "changeable", identity: "token" })
      const [one, other] = yield* tokensFor(slug, 2)
      const given = allowance(60, 1)
      const vote = (index: number) =>
        voteIn(slug, index % 2 === 0 ? "tea" : "coffee", { ...bearer(one), "idempotency-key": `k${index}` })
      let accepted = 0
      let answer = yield* vote(accepted)
      while (answer.status === 201) answer = yield* vote(++accepted)
      assertProblem(answer, 429)
      assert.isAtLeast(Number(answer.headers["retry-after"]), 1)
      assert.isAtLeast(accepted, 60)
      assert.isAtMost(accepted, given())
      assert.strictEqual((yield* voteIn(slug, "tea", { ...bearer(one), "idempotency-key": "k0" })).status, 201)
      assert.strictEqual((yield* voteIn(slug, "tea", bearer(other))).status, 201)
    })
  )

  it.effect("an address makes so many new voters, by votes and by pages, and those it has go on voting", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ballot: "changeable", identity: "browser" })
      const from = { "x-forwarded-for": "192.0.2.7" }
      const page = yield* request("GET", `/polls/${slug}`, { headers: from })
      assert.isDefined(page.headers["set-cookie"])
      const [one, other] = [
        yield* voteIn(slug, "tea", from),
        yield* voteIn(slug, "tea", { ...from, "idempotency-key": "n" })
      ]
      assert.deepStrictEqual([one.status, other.status], [201, 201])
      for (const key of [{}, { "idempotency-key": "m" }]) {
        const refused = yield* voteIn(slug, "tea", { ...from, ...key })
        assertProblem(refused, 429)
        assert.isAtLeast(Number(refused.headers["retry-after"]), 1)
      }
      const later = yield* request("GET", `/polls/${slug}`, { headers: from })
      assert.strictEqual(later.status, 200)
      assert.isUndefined(later.headers["set-cookie"])
      for (const known of [page, one]) {
        assert.strictEqual((yield* voteIn(slug, "coffee", { ...from, ...cookieOf(known) })).status, 201)
      }
      assert.strictEqual((yield* voteIn(slug, "tea", { "x-forwarded-for": "192.0.2.8" })).status, 201)
    })
  )

  it.effect("a refused token is counted, and shown to nobody", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ identity: "token" })
      const refused = Effect.map(request("GET", "/metrics"), ({ body }) =>
        parseMetrics(body).get('tallykeep_refusals_total{reason="tokens"}')
      )
      const before = (yield* refused) ?? 0
      for (const token of ["nonsense", "a.b.c"]) assertProblem(yield* voteIn(slug, "tea", bearer(token)), 401)
      assert.strictEqual(yield* refused, before + 2)
    })
  )

  it.effect("a refused cookie is counted once a request, wherever it is read, and shown to nobody", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ ballot: "once", identity: "browser", results: "after_vote" })
      const refused = Effect.map(
        request("GET", "/metrics"),
        ({ body }) => parseMetrics(body).get('tallykeep_refusals_total{reason="cookies"}') ?? 0
      )
      const before = yield* refused
      const { cookie } = cookieOf(yield* voteIn(slug, "tea"))
      assert.strictEqual((yield* request("GET", `/polls/${slug}`, { headers: { cookie } })).status, 200)
      assert.strictEqual(yield* refused, before)
      const forged = { cookie: `${cookie.split(".")[0]}.forged` }
      // From an address each: none is refused a new voter.
      const from = (client: number) => ({ ...forged, "x-forwarded-for": `203.0.113.${client}` })
      const form = { ...from(3), "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" }
      const ways: ReadonlyArray<readonly [status: number, ReturnType<typeof request>]> = [
        [201, voteIn(slug, "coffee", from(1))],
        [200, request("GET", `/polls/${slug}`, { headers: from(2) })],
        [303, request("POST", `/polls/${slug}`, { headers: form, body: "option=tea" })],
        // The page that says so reads it again.
        [422, request("POST", `/polls/${slug}`, { headers: form, body: "option=cocoa" })],
        [403, request("GET", `/api/polls/${slug}/results`, { headers: forged })],
        [403, request("GET", `/api/polls/${slug}/results.csv`, { headers: forged })],
        // The stream waits until it may be seen.
        [200, request("HEAD", `/api/polls/${slug}/results/stream`, { headers: forged })]
      ]
      for (const [index, [status, ask]] of ways.entries()) {
        const answer = yield* ask
        assert.strictEqual(answer.status, status, `${index}: ${answer.body}`)
        assert.strictEqual(yield* refused, before + index + 1, String(index))
      }
      // Polls that know their voters otherwise don't look at it.
      yield* voteIn(yield* createPoll(), "tea", forged)
      assert.strictEqual(yield* refused, before + ways.length)
    })
  )

  it.effect("an address is wrong about the admin's token at most 20 times a minute, whatever the method", () =>
    Effect.gen(function* () {
      const slug = yield* createPoll({ results: "after_vote", ballot: "once", identity: "token" })
      const [token] = yield* tokensFor(slug, 1)
      const ways = [
        (headers: Readonly<Record<string, string>>) => request("GET", `/api/polls/${slug}/results`, { headers }),
        (headers: Readonly<Record<string, string>>) => request("GET", `/api/polls/${slug}/results.csv`, { headers }),
        (headers: Readonly<Record<string, string>>) =>
          request("HEAD", `/api/polls/${slug}/results/stream`, { headers }),
        (headers: Readonly<Record<string, string>>) => post("/api/polls", {}, headers),
        (headers: Readonly<Record<string, string>>) => request("POST", `/api/polls/${slug}/close`, { headers })
      ]
      for (const [index, ask] of ways.entries()) {
        const from = (authorization: string, client = `203.0.113.${index}`) =>
          ask({ authorization, "x-forwarded-for": client })
        // A voter's own token is no guess.
        // The stream, the third, waits until it may be seen.
        const refusals = index === 2 ? [200] : [401, 403]
        for (let asked = 0; asked < 30; asked++) assert.oneOf((yield* from(`Bearer ${token}`)).status, refusals)
        const given = allowance(20, 3)
        // Not even the right one tells itself once the guesses are used up; one more is given now and then.
        for (let [asked, last] = [0, 0]; last !== 429; ) {
          const { status } = yield* from(`Bearer guess-${asked}`)
          if (status === 429) {
            assert.isAtLeast(asked, 20)
            last = (yield* from(`Bearer ${adminToken}`)).status
          } else {
            assert.oneOf(status, refusals)
            asked++
            assert.isAtMost(asked, given())
          }
        }
        assert.notInclude([401, 403, 429], (yield* from(`Bearer ${adminToken}`, "198.51.100.1")).status)
      }
    })
  )
})
