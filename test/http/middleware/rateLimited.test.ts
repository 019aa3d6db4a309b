import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertProblem, layerApi, request, vote } from "../../support/api.ts"

const settings = { rateLimit: { votes: 2, seconds: 3_600 }, trustProxy: 1 }

layer(layerApi(settings), { excludeTestServices: true })("the rate limit", (it) => {
  it.effect("is told to each voter, and by a problem to who is over it", () =>
    Effect.gen(function* () {
      const policy = '"votes";q=2;w=3600'
      const first = yield* vote()
      assert.strictEqual(first.status, 201)
      assert.deepInclude(first.headers, { "ratelimit-policy": policy, ratelimit: '"votes";r=1;t=1800' })
      yield* vote()
      const refused = yield* vote()
      const { detail, type } = assertProblem(refused, 429)
      assert.strictEqual(type, "urn:tallykeep:problem:rate-limit")
      assert.strictEqual(detail, "More than 2 votes in 3600 s from one address; try again later")
      assert.deepInclude(refused.headers, { "ratelimit-policy": policy })
      assert.isAtMost(Number(refused.headers["retry-after"]), 1_800)
      assert.isAbove(Number(refused.headers["retry-after"]), 1_700)
      assert.strictEqual(refused.headers.ratelimit, `"votes";r=0;t=${refused.headers["retry-after"]}`)
    })
  )

  it.effect("tells a browser that has sent a form in words", () =>
    Effect.gen(function* () {
      const headers = {
        "x-forwarded-for": "203.0.113.9",
        accept: "text/html,application/xhtml+xml",
        "content-type": "application/x-www-form-urlencoded"
      }
      const send = request("POST", "/polls/cats-or-dogs", { headers, body: "option=cats" })
      assert.strictEqual((yield* send).status, 303)
      assert.strictEqual((yield* send).status, 303)
      const refused = yield* send
      assert.strictEqual(refused.status, 429)
      assert.strictEqual(refused.headers["content-type"], "text/plain; charset=utf-8")
      assert.strictEqual(refused.body, "More than 2 votes in 3600 s from one address; try again later")
    })
  )

  it.effect("counts what is refused for another reason, but not what is too large, and never reads", () =>
    Effect.gen(function* () {
      const headers = { "x-forwarded-for": "203.0.113.1" }
      assert.strictEqual((yield* vote(Buffer.alloc(1_048_577), headers)).status, 413)
      assert.strictEqual((yield* vote("{", headers)).status, 400)
      assert.strictEqual((yield* vote("{", headers)).status, 400)
      assert.strictEqual((yield* vote("{", headers)).status, 429)
      const read = yield* request("GET", "/api/results", { headers })
      assert.strictEqual(read.status, 200)
      assert.isUndefined(read.headers.ratelimit)
    })
  )
})

const forReads = { readLimit: { votes: 2, seconds: 3_600 }, trustProxy: 1 }

layer(layerApi(forReads), { excludeTestServices: true })("the limit of reads", (it) => {
  it.effect.each([
    ["/api/results", 1],
    ["/api/polls", 2],
    ["/api/polls/cats-or-dogs", 3]
  ] as const)("of %s is that of the client that a proxy names, also where the lane answers", ([path, net]) =>
    Effect.gen(function* () {
      for (const client of ["10", "20"]) {
        const headers = { "x-forwarded-for": `203.0.${net}.${client}` }
        const read = Effect.map(request("GET", path, { headers }), ({ status }) => status)
        assert.deepStrictEqual([yield* read, yield* read, yield* read], [200, 200, 429])
      }
    })
  )
})
