import { isUtf8 } from "node:buffer"
import { Effect, Layer } from "effect"
import { HttpServerRequest } from "effect/http"
import { HttpApiMiddleware } from "effect/http-api"
import { BodyTooLarge, InvalidFields, Malformed, Unavailable, UnsupportedMediaType } from "../../domain/Problems.ts"
import { Bodies } from "../body/Bodies.ts"
import { refuseMediaType } from "../body/MediaType.ts"
import { type BodyBounds, readBody } from "../body/ReadBody.ts"

/**
 * Around each typed endpoint that takes a payload: reads the body within the size limit and refuses what is no JSON, before
 * the payload is decoded by its schema.
 */
export class JsonPayload extends HttpApiMiddleware.Service<JsonPayload>()("tallykeep/http/middleware/JsonPayload", {
  error: [Malformed, BodyTooLarge, InvalidFields, Unavailable, UnsupportedMediaType]
}) {}

const readText = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest, bounds: BodyBounds) {
  const refusal = refuseMediaType(request.headers["content-type"], request.headers["content-encoding"])
  if (refusal !== undefined) return yield* refusal
  const body = yield* readBody(request, bounds)
  if (!isUtf8(body)) return yield* new Malformed({ detail: "The body is not UTF-8" })
  const text = body.toString("utf8")
  return yield* Effect.try({
    try: () => {
      JSON.parse(text)
      return text
    },
    catch: () => new Malformed({ detail: "The body is not JSON" })
  })
})

/** Returns the same request, whose text is there already. */
const withText = (request: HttpServerRequest.HttpServerRequest, text: string): HttpServerRequest.HttpServerRequest =>
  Object.create(request, { text: { value: Effect.succeed(text) } })

export const layerJsonPayload = Layer.effect(
  JsonPayload,
  Effect.map(
    Bodies,
    ({ payloads }) =>
      (handler) =>
        Effect.gen(function* () {
          const request = yield* HttpServerRequest.HttpServerRequest
          const text = yield* readText(request, payloads)
          return yield* Effect.provideService(handler, HttpServerRequest.HttpServerRequest, withText(request, text))
        })
  )
)
