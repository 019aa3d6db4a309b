import { NodeHttpServerRequest } from "@effect/platform-node"
import { Effect } from "effect"
import { HttpServerRequest } from "effect/http"
import { BodyTooLarge, Malformed } from "../../domain/Problems.ts"
import { problemResponse } from "../Problem.ts"
import type { HttpApp, Middleware } from "./Middleware.ts"

/** Refuses a request that declares a body over the limit, in bytes, without reading any of it. */
export const withSizeLimit =
  (options: { readonly maxRequestSize: number }): Middleware =>
  (app: HttpApp) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers, url }) => {
      const declared = headers["content-length"]
      return declared !== undefined && Number(declared) > options.maxRequestSize
        ? Effect.succeed(problemResponse(BodyTooLarge.over(options.maxRequestSize), url))
        : app
    })

/**
 * Reads a request's body, counting its bytes as they arrive: no more than `limit` of them are ever held. All routes that
 * take a body read it with this.
 */
export const readBody = (
  request: HttpServerRequest.HttpServerRequest,
  limit: number
): Effect.Effect<Buffer, BodyTooLarge | Malformed> =>
  Effect.callback((resume) => {
    const source = NodeHttpServerRequest.toIncomingMessage(request)
    const chunks: Array<Buffer> = []
    let size = 0
    const stop = () => {
      source.off("data", onData)
      source.off("end", onEnd)
      source.off("close", onClose)
    }
    const onData = (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) {
        stop()
        // The rest is left unread; the server closes the connection once it has answered.
        source.pause()
        resume(Effect.fail(BodyTooLarge.over(limit)))
      } else chunks.push(chunk)
    }
    const onEnd = () => {
      stop()
      const [first] = chunks
      resume(Effect.succeed(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)))
    }
    const onClose = () => {
      stop()
      resume(Effect.fail(new Malformed({ detail: "The request's body ended early" })))
    }
    source.on("data", onData)
    source.on("end", onEnd)
    source.on("close", onClose)
    if (source.headers.expect !== undefined) NodeHttpServerRequest.toServerResponse(request).writeContinue()
    return Effect.sync(stop)
  })
