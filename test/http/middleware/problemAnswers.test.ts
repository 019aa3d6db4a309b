import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { NotFound, Unavailable } from "../../../src/domain/Problems.ts"
import { layerProblemAnswers, ProblemAnswers } from "../../../src/http/middleware/ProblemAnswers.ts"

const Payload = Schema.Struct({ count: Schema.Int })

/** An error that is described, and is no problem. */
const Other = Schema.Struct({ teapot: Schema.Boolean })

const Endpoints = HttpApi.make("endpoints").add(
  HttpApiGroup.make("all")
    .add(
      HttpApiEndpoint.get("whole", "/whole", {
        query: { of: Schema.optionalKey(Schema.String) },
        success: Payload,
        error: [NotFound, Unavailable, Other.pipe(HttpApiSchema.status(418))]
      }),
      HttpApiEndpoint.post("counted", "/counted", { payload: Payload, success: Payload })
    )
    .middleware(ProblemAnswers)
)

const routes = HttpApiBuilder.layer(Endpoints).pipe(
  Layer.provide(
    HttpApiBuilder.group(Endpoints, "all", (handlers) =>
      handlers
        .handle("whole", ({ query }) => {
          if (query.of === "nothing") return Effect.fail(new NotFound({ detail: "Nothing" }))
          if (query.of === "away") return Effect.fail(new Unavailable({ detail: "Away" }))
          if (query.of === "another") return Effect.fail({ teapot: true })
          return Effect.succeed({ count: query.of === "half" ? 0.5 : 1 })
        })
        .handle("counted", ({ payload }) => Effect.succeed(payload))
    )
  ),
  Layer.provide(layerProblemAnswers),
  Layer.provide(HttpServer.layerServices)
)

const handle = (request: Request) =>
  Effect.acquireUseRelease(
    Effect.sync(() => HttpRouter.toWebHandler(routes, { disableLogger: true })),
    ({ handler }) =>
      Effect.promise(async () => {
        const response = await handler(request)
        return { status: response.status, headers: response.headers, body: await response.text() }
      }),
    ({ dispose }) => Effect.promise(dispose)
  )

const get = (path: string) => handle(new Request(`http://localhost${path}`))

describe("ProblemAnswers", () => {
  it.effect("lets an answer through, which nobody may keep", () =>
    Effect.gen(function* () {
      const { body, headers, status } = yield* get("/whole")
      assert.deepStrictEqual([status, body, headers.get("cache-control")], [200, '{"count":1}', "no-store"])
    })
  )

  it.effect("makes a problem of what the handler fails with, and says what to do about it", () =>
    Effect.gen(function* () {
      const nothing = yield* get("/whole?of=nothing")
      assert.strictEqual(nothing.status, 404)
      assert.strictEqual(nothing.headers.get("content-type"), "application/problem+json")
      const { detail, instance } = JSON.parse(nothing.body)
      assert.deepStrictEqual([detail, instance], ["Nothing", "/whole"])
      const away = yield* get("/whole?of=away")
      assert.deepStrictEqual([away.status, away.headers.get("retry-after")], [503, "1"])
    })
  )

  it.effect("makes a problem of a query and of a payload that are not as described", () =>
    Effect.gen(function* () {
      const query = yield* get("/whole?of=a&of=b")
      assert.deepStrictEqual([query.status, JSON.parse(query.body).detail], [400, "The query is not understood"])
      const body = '{"count":"many"}'
      const headers = { "content-type": "application/json" }
      const payload = yield* handle(new Request("http://localhost/counted", { method: "POST", headers, body }))
      assert.strictEqual(payload.status, 422)
      assert.strictEqual(JSON.parse(payload.body).errors[0].pointer, "#/count")
      assert.notInclude(payload.body, "many")
    })
  )

  it.effect("leaves another error to its schema", () =>
    Effect.gen(function* () {
      const { body, status } = yield* get("/whole?of=another")
      assert.deepStrictEqual([status, body], [418, '{"teapot":true}'])
    })
  )

  it.effect("leaves an answer of ours that is not as described to be a 500", () =>
    Effect.gen(function* () {
      const { body, status } = yield* get("/whole?of=half")
      assert.strictEqual(status, 500)
      assert.notInclude(body, "0.5")
    })
  )
})
