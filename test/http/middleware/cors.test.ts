import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { withCors } from "../../../src/http/middleware/Cors.ts"
import { layerApi, request, vote } from "../../support/api.ts"

const preflight = (origin: string, path = "/api/vote") =>
  request("OPTIONS", path, { headers: { origin, "access-control-request-method": "POST" } })

const permissions = (headers: Readonly<Record<string, string | undefined>>) =>
  Object.keys(headers).filter((name) => name.startsWith("access-control-"))

const listed = ["https://a.example", "https://b.example:8443"]

layer(layerApi({ corsOrigins: listed }), { excludeTestServices: true })("with listed origins", (it) => {
  it.effect.each(listed)("%s may use the API, and read what it needs", (origin) =>
    Effect.gen(function* () {
      const asked = yield* preflight(origin)
      assert.strictEqual(asked.status, 204)
      assert.strictEqual(asked.body, "")
      assert.deepInclude(asked.headers, {
        vary: "Origin",
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET, POST, OPTIONS",
        "access-control-allow-headers":
          "Accept, Authorization, Cache-Control, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, traceparent, tracestate, Challenge-Solution",
        "access-control-max-age": "600"
      })
      const voted = yield* vote(undefined, { origin })
      assert.strictEqual(voted.status, 201)
      assert.deepInclude(voted.headers, {
        vary: "Origin",
        "access-control-allow-origin": origin,
        "access-control-expose-headers": "ETag, Location, RateLimit, RateLimit-Policy, Retry-After"
      })
    })
  )

  it.effect.each([
    "https://evil.example",
    "null",
    "https://a.example.evil.example",
    "https://b.example",
    "http://a.example",
    "HTTPS://A.EXAMPLE",
    "*",
    ""
  ])("%j may not", (origin) =>
    Effect.gen(function* () {
      const asked = yield* preflight(origin)
      assert.strictEqual(asked.status, 204)
      assert.deepStrictEqual(permissions(asked.headers), [])
      assert.strictEqual(asked.headers.vary, "Origin")
      const read = yield* request("GET", "/api/results", { headers: { origin } })
      assert.isUndefined(read.headers["access-control-allow-origin"])
      assert.strictEqual(read.headers.vary, "Origin")
    })
  )

  it.effect("an answer without an origin varies by it all the same", () =>
    Effect.gen(function* () {
      const { headers } = yield* request("GET", "/api/results")
      assert.strictEqual(headers.vary, "Origin")
      assert.deepStrictEqual(permissions(headers), [])
    })
  )

  it.effect("a page can read problems too", () =>
    Effect.gen(function* () {
      const origin = "https://a.example"
      const answers = [yield* vote("{", { origin }), yield* request("GET", "/nowhere", { headers: { origin } })]
      for (const { headers } of answers) assert.strictEqual(headers["access-control-allow-origin"], origin)
    })
  )

  it.effect("an OPTIONS that is no preflight tells what the path allows", () =>
    Effect.gen(function* () {
      const { headers, status } = yield* request("OPTIONS", "/api/vote", { headers: { origin: "https://a.example" } })
      assert.strictEqual(status, 204)
      assert.strictEqual(headers.allow, "POST, OPTIONS")
      assert.strictEqual(headers["access-control-allow-origin"], "https://a.example")
    })
  )
})

layer(layerApi({ corsOrigins: ["*"] }), { excludeTestServices: true })("with *", (it) => {
  it.effect.each(["https://anyone.example", "null"])("%s may use the API", (origin) =>
    Effect.gen(function* () {
      const asked = yield* preflight(origin)
      assert.strictEqual(asked.headers["access-control-allow-origin"], "*")
      assert.strictEqual(asked.headers["access-control-max-age"], "600")
      const read = yield* request("GET", "/api/results", { headers: { origin } })
      assert.strictEqual(read.headers["access-control-allow-origin"], "*")
      assert.isUndefined(read.headers["access-control-allow-credentials"])
    })
  )

  it.effect("an answer varies by what else it depends on, and not by the origin", () =>
    Effect.gen(function* () {
      const app = withCors({ origins: ["*"] })(
        Effect.succeed(HttpServerResponse.empty({ headers: { vary: "Authorization" } }))
      )
      const from = new Request("http://localhost/api/polls", { headers: { origin: "https://anyone.example" } })
      const { headers } = yield* app.pipe(
        Effect.provideService(HttpServerRequest.HttpServerRequest, HttpServerRequest.fromWeb(from)),
        Effect.scoped
      )
      assert.strictEqual(headers.vary, "Authorization")
      assert.strictEqual(headers["access-control-allow-origin"], "*")
    })
  )
})

layer(layerApi({ corsOrigins: [] }), { excludeTestServices: true })("with no origins", (it) => {
  it.effect("none may use the API", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(permissions((yield* preflight("http://localhost:3000")).headers), [])
    })
  )
})
