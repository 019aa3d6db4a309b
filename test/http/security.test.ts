import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { pagePolicy } from "../../src/http/pages/Layout.ts"
import { assertProblem, layerApi, request, vote } from "../support/api.ts"

/** What each answer carries, whatever its status. */
const policies = {
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'self'",
  "x-xss-protection": "1; mode=block",
  "referrer-policy": "strict-origin-when-cross-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin"
}

const preflight = (origin: string) =>
  request("OPTIONS", "/api/vote", {
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type"
    }
  })

layer(layerApi(), { excludeTestServices: true })("in development", (it) => {
  it.effect.each(Object.entries(policies))("sends %s", ([name, value]) =>
    Effect.gen(function* () {
      const { headers } = yield* request("GET", "/health")
      assert.strictEqual(headers[name], value)
    })
  )

  it.effect("leaves to its pages what these use of the browser, and to nobody anything else", () =>
    Effect.gen(function* () {
      const { headers } = yield* request("GET", "/health")
      const features = (headers["permissions-policy"] ?? "").split(", ").map((each) => each.split("="))
      const allowed = features.filter(([, who]) => who === "(self)").map(([feature]) => feature)
      assert.sameMembers(allowed, ["clipboard-write", "fullscreen", "screen-wake-lock"])
      const denied = features.filter(([, who]) => who === "()").map(([feature]) => feature)
      assert.strictEqual(allowed.length + denied.length, features.length)
      assert.strictEqual(new Set(features.map(([feature]) => feature)).size, features.length)
      assert.includeMembers(denied, ["camera", "geolocation", "microphone", "payment", "usb", "clipboard-read"])
    })
  )

  it.effect("does not ask for HTTPS", () =>
    Effect.gen(function* () {
      const { headers } = yield* request("GET", "/health")
      assert.isUndefined(headers["strict-transport-security"])
    })
  )

  it.effect("grants a preflight of a listed origin", () =>
    Effect.gen(function* () {
      const { headers, status } = yield* preflight("http://localhost:3000")
      assert.strictEqual(status, 204)
      assert.strictEqual(headers["access-control-allow-origin"], "http://localhost:3000")
      assert.strictEqual(headers["access-control-max-age"], "600")
    })
  )

  it.effect("grants nothing to a preflight of another origin", () =>
    Effect.gen(function* () {
      const { headers } = yield* preflight("https://evil.example")
      assert.deepStrictEqual(
        Object.keys(headers).filter((name) => name.startsWith("access-control-")),
        []
      )
    })
  )

  it.effect("restricts the headers that a page may send", () =>
    Effect.gen(function* () {
      const { headers } = yield* preflight("http://localhost:3000")
      assert.strictEqual(
        headers["access-control-allow-headers"],
        "Accept, Authorization, Cache-Control, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, traceparent, tracestate, Challenge-Solution"
      )
    })
  )

  it.effect("restricts the methods that a page may use", () =>
    Effect.gen(function* () {
      const { headers } = yield* preflight("http://localhost:3000")
      assert.strictEqual(headers["access-control-allow-methods"], "GET, POST, OPTIONS")
    })
  )

  it.effect("accepts a small request", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* vote()).status, 201)
    })
  )

  it.effect("refuses a request of over 1 MB", () =>
    Effect.gen(function* () {
      const answer = yield* vote(Buffer.alloc(1_048_577, " "))
      const { detail } = assertProblem(answer, 413)
      assert.strictEqual(detail, "Request body too large. Maximum size: 1048576 bytes")
    })
  )

  it.effect.each([
    ["GET", "/health"],
    ["GET", "/ready"],
    ["GET", "/api/results"],
    ["GET", "/results"],
    ["GET", "/openapi.json"],
    ["POST", "/api/vote"],
    ["POST", "/vote"],
    ["GET", "/api/votes/0190163d-8694-739b-aea5-966c26f8ad90"],
    ["GET", "/nowhere"]
  ] as const)("sends all headers on %s %s", ([method, path]) =>
    Effect.gen(function* () {
      const { headers } = yield* request(method, path)
      assert.deepInclude(headers, policies)
      assert.doesNotHaveAnyKeys(headers, ["server", "x-powered-by", "strict-transport-security"])
    })
  )

  it.effect.each(["/docs", "/docs/docs.js"])("sends all headers on GET %s, which may show images of its own", (path) =>
    Effect.gen(function* () {
      const { headers } = yield* request("GET", path)
      const policy = `${pagePolicy}; img-src 'self' data:`
      assert.deepInclude(headers, { ...policies, "content-security-policy": policy })
    })
  )
})

describe("in production", () => {
  it.live("asks for HTTPS", () =>
    Effect.gen(function* () {
      const { headers } = yield* request("GET", "/health")
      assert.deepInclude(headers, { ...policies, "strict-transport-security": "max-age=31536000" })
    }).pipe(Effect.provide(layerApi({ production: true })))
  )
})

describe("with another MAX_REQUEST_SIZE", () => {
  it.live("refuses by that", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* vote()).status, 201)
      const { detail } = assertProblem(yield* vote(`{"option":"cats"}${" ".repeat(84)}`), 413)
      assert.strictEqual(detail, "Request body too large. Maximum size: 100 bytes")
    }).pipe(Effect.provide(layerApi({ maxRequestSize: 100 })))
  )
})
