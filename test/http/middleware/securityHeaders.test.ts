import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { securityHeaders, withSecurityHeaders } from "../../../src/http/middleware/SecurityHeaders.ts"
import { assertProblem, layerApi, request, type Sent, vote } from "../../support/api.ts"
import { type Answer, raw } from "../../support/wire.ts"
import { secret, World } from "../../support/world.ts"

const headers = securityHeaders(true)

const assertSecure = (answer: Answer | undefined, status: number) => {
  assert.strictEqual(answer?.status, status, answer?.body)
  assert.deepInclude(answer?.headers ?? {}, headers)
  assert.doesNotHaveAnyKeys(answer?.headers ?? {}, ["server", "x-powered-by"])
}

const cast = (body: string | Buffer, more: Sent["headers"] = {}): Sent => ({
  headers: { "content-type": "application/json", ...more },
  body
})

const settings = { production: true, rateLimit: { votes: 100, seconds: 3_600 }, trustProxy: 1 }

layer(layerApi(settings), { excludeTestServices: true })("the headers", (it) => {
  it.effect.each<readonly [number, string, string, Sent]>([
    [200, "GET", "/api/results", {}],
    [200, "HEAD", "/api/results", {}],
    [201, "POST", "/api/vote", cast('{"option":"cats"}')],
    [204, "OPTIONS", "/api/vote", {}],
    [
      204,
      "OPTIONS",
      "/nowhere",
      { headers: { origin: "https://evil.example", "access-control-request-method": "GET" } }
    ],
    [304, "GET", "/api/results", { headers: { "if-none-match": "*" } }],
    [400, "POST", "/api/vote", cast("{")],
    [404, "GET", "/nowhere", {}],
    [404, "GET", "/api/votes/0190163d-8694-739b-aea5-966c26f8ad90", {}],
    [405, "DELETE", "/api/vote", {}],
    [413, "POST", "/api/vote", cast(Buffer.alloc(1_048_577))],
    [415, "POST", "/api/vote", { headers: { "content-type": "text/plain" }, body: "cats" }],
    [422, "POST", "/api/vote", cast('{"option":"birds"}')]
  ])("are on a %i for %s %s", ([status, method, path, sent]) =>
    Effect.gen(function* () {
      assertSecure(yield* request(method, path, sent), status)
    })
  )

  it.effect("are on a 429", () =>
    Effect.gen(function* () {
      const headers = { "x-forwarded-for": "192.0.2.1" }
      for (let votes = 0; votes < 100; votes++) assert.strictEqual((yield* vote(undefined, headers)).status, 201)
      assertSecure(yield* vote(undefined, headers), 429)
    })
  )

  it.effect("are on a 500, which says nothing of what happened", () =>
    Effect.gen(function* () {
      const world = yield* World
      world.redis = "broken"
      const answer = yield* vote()
      world.redis = "up"
      assertSecure(answer, 500)
      assertProblem(answer, 500)
      assert.notInclude(answer.body, secret)
      assert.notInclude(answer.body, "Error:")
    })
  )

  it.effect("are on a 503", () =>
    Effect.gen(function* () {
      const world = yield* World
      world.redis = "away"
      const [voted, ready] = [yield* vote(), yield* request("GET", "/ready")]
      world.redis = "up"
      assertSecure(voted, 503)
      assertSecure(ready, 503)
    })
  )

  it.effect.each<readonly [string, number, string]>([
    ["garbage", 400, "garbage\r\n\r\n"],
    ["no Host", 400, "GET /health HTTP/1.1\r\n\r\n"],
    [
      "no Host with a vote",
      400,
      'POST /api/vote HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{"option":"cats"}'
    ],
    ["a header without a colon", 400, "GET /health HTTP/1.1\r\nHost: a\r\nBad\r\n\r\n"],
    [
      "both Content-Length and Transfer-Encoding",
      400,
      "POST /api/vote HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ],
    ["oversized headers", 431, `GET /health HTTP/1.1\r\nHost: a\r\nX-Big: ${"a".repeat(20_000)}\r\n\r\n`],
    ["a header of bytes beyond ASCII", 200, "GET /health HTTP/1.1\r\nHost: a\r\nX-Odd: \u00ff\u00fe\r\n\r\n"],
    ["an unknown expectation", 200, "GET /health HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n"],
    [
      "an upgrade to another protocol",
      200,
      "GET /health HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    ],
    [
      "an upgrade with a chunked body",
      415,
      "POST /api/vote HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ]
  ])("are on the answer to %s: %i", ([, status, bytes]) =>
    Effect.gen(function* () {
      const [answer] = yield* raw(Buffer.from(bytes, "latin1"))
      assertSecure(answer, status)
    })
  )
})

describe("withSecurityHeaders", () => {
  const run = (app: Effect.Effect<HttpServerResponse.HttpServerResponse, unknown>) =>
    withSecurityHeaders({ production: false })(app).pipe(
      Effect.provideService(
        HttpServerRequest.HttpServerRequest,
        HttpServerRequest.fromWeb(new Request("http://localhost/path?query"))
      )
    )

  it.effect("leaves a header that the response has set itself", () =>
    Effect.gen(function* () {
      const policy = "default-src 'self'; img-src 'self' data:"
      const response = yield* run(
        Effect.succeed(HttpServerResponse.empty({ headers: { "content-security-policy": policy } }))
      )
      assert.deepInclude(response.headers, { "content-security-policy": policy, "x-frame-options": "DENY" })
    })
  )

  it.effect.each([
    ["failure", Effect.fail("why")],
    ["defect", Effect.die("why")]
  ] as const)("answers 500 for a %s of what is inside", ([, app]) =>
    Effect.gen(function* () {
      const response = yield* run(app)
      assert.strictEqual(response.status, 500)
      assert.deepInclude(response.headers, securityHeaders(false))
    })
  )

  it.effect("lets an interruption through: nobody waits for an answer", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(run(Effect.interrupt))
      assert.isTrue(Exit.hasInterrupts(exit))
    })
  )
})
