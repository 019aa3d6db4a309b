import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { methodsOf } from "../../src/http/Routes.ts"
import { assertProblem, json, layerApi, request } from "../support/api.ts"
import { openWire } from "../support/wire.ts"

const receipt = "/api/votes/0190163d-8694-739b-aea5-966c26f8ad90"

const Description = Schema.Struct({
  openapi: Schema.String.check(Schema.isStartingWith("3.1")),
  info: Schema.Struct({ title: Schema.Literal("tallykeep"), version: Schema.NonEmptyString }),
  paths: Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Struct({ summary: Schema.NonEmptyString })))
})

layer(layerApi(), { excludeTestServices: true })("the routes", (it) => {
  it.effect.each([
    "/nowhere",
    "/api",
    "/api/",
    "/API/VOTE",
    "/api/vote/",
    "//api/vote",
    "/api//vote",
    "/api/vote/x",
    "/api/votes/a/b",
    "/docs/../../package.json",
    "/docs/%2e%2e/%2e%2e/package.json",
    "/index.html",
    "/swagger-ui.css",
    "/__proto__",
    "/constructor",
    "/%",
    "/%zz",
    "/%00",
    "/<script>alert(1)</script>"
  ])("%s is nowhere, for any method", (path) =>
    Effect.gen(function* () {
      for (const method of ["GET", "POST", "DELETE", "OPTIONS"]) {
        const { detail, instance } = assertProblem(yield* request(method, path), 404)
        assert.strictEqual(detail, "Nothing is here; see /docs")
        assert.strictEqual(instance, path)
      }
    })
  )

  it.effect.each([
    ["GET", "/api/vote", "POST, OPTIONS"],
    ["PUT", "/api/vote", "POST, OPTIONS"],
    ["HEAD", "/api/vote", "POST, OPTIONS"],
    ["PROPFIND", "/vote", "POST, OPTIONS"],
    ["POST", "/api/results", "GET, HEAD, OPTIONS"],
    ["DELETE", "/results?poll=1", "GET, HEAD, OPTIONS"],
    ["PATCH", receipt, "GET, HEAD, OPTIONS"],
    ["POST", "/health", "GET, HEAD, OPTIONS"],
    ["POST", "/ready", "GET, HEAD, OPTIONS"],
    ["POST", "/openapi.json", "GET, HEAD, OPTIONS"],
    ["POST", "/docs", "GET, HEAD, OPTIONS"],
    ["POST", "/", "GET, HEAD, OPTIONS"]
  ] as const)("%s %s is refused with what is allowed: %s", ([method, path, allow]) =>
    Effect.gen(function* () {
      const answer = yield* request(method, path)
      assert.strictEqual(answer.status, 405)
      assert.strictEqual(answer.headers.allow, allow)
      if (method !== "HEAD") assert.strictEqual(assertProblem(answer, 405).detail, `Allowed here: ${allow}`)
      const options = yield* request("OPTIONS", path)
      assert.strictEqual(options.status, 204)
      assert.strictEqual(options.body, "")
      assert.strictEqual(options.headers.allow, allow)
    })
  )

  it.effect.each(["/docs", "/docs/docs.js", "/health", "/ready", "/api/results", "/openapi.json"])(
    "HEAD %s gives the headers of GET",
    (path) =>
      Effect.gen(function* () {
        const got = yield* request("GET", path)
        const { body, headers, status } = yield* request("HEAD", path)
        assert.strictEqual(status, 200)
        assert.strictEqual(body, "")
        // The clock goes on in between.
        const times = { date: "", "poll-time": "" }
        assert.deepStrictEqual({ ...headers, ...times }, { ...got.headers, ...times })
      })
  )

  it.effect("HEAD leaves the connection to the next request", () =>
    Effect.gen(function* () {
      const wire = yield* openWire(true)
      const ask = "HEAD /api/results HTTP/1.1\r\nHost: a\r\n\r\n"
      yield* wire.send(ask + ask)
      assert.strictEqual((yield* wire.answer)?.status, 200)
      assert.strictEqual((yield* wire.answer)?.status, 200)
    })
  )

  it.effect("the description is of every path", () =>
    Effect.gen(function* () {
      const answer = yield* request("GET", "/openapi.json")
      assert.strictEqual(answer.headers["content-type"], "application/json")
      const { paths } = yield* Schema.decodeUnknownEffect(Description)(json(answer))
      assert.includeMembers(Object.keys(paths), [
        "/api/vote",
        "/vote",
        "/api/votes/{vote_id}",
        "/api/results",
        "/results",
        "/health",
        "/ready"
      ])
      for (const [path, operations] of Object.entries(paths)) {
        const known = methodsOf(path.replaceAll(/\{\w+\}/g, "x")).map((method) => method.toLowerCase())
        assert.sameMembers(Object.keys(operations), known, path)
      }
    })
  )

  it.effect("the description tells of too many requests everywhere but for probes", () =>
    Effect.gen(function* () {
      const { paths } = json(yield* request("GET", "/openapi.json")) as {
        readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: object }>>>>
      }
      const silent = Object.entries(paths).flatMap(([path, operations]) =>
        Object.values(operations).flatMap(({ responses }) => ("429" in responses ? [] : [path]))
      )
      assert.sameMembers(silent, ["/health", "/ready", "/metrics"])
    })
  )

  it.effect("the description tells of keys and problems wherever one can vote", () =>
    Effect.gen(function* () {
      const { paths } = json(yield* request("GET", "/openapi.json")) as {
        readonly paths: Readonly<Record<string, { readonly post: Readonly<Record<string, object>> }>>
      }
      for (const path of ["/api/vote", "/vote"]) {
        const { parameters, responses } = paths[path]?.post ?? {}
        assert.containsAllKeys(responses, ["201", "400", "413", "415", "422", "429", "503"])
        assert.deepInclude(JSON.parse(JSON.stringify(parameters))[0], { name: "Idempotency-Key", in: "header" })
      }
    })
  )
})
