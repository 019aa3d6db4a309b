import type { Readable } from "node:stream"
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
 * Collects a request's body, counting its bytes as they arrive: no more than `limit` of them are ever held. All that take
 * a body read it with this. Gives what stops it.
 */
export const collectBody = (
  source: Readable,
  limit: number,
  done: (body: Buffer | BodyTooLarge | Malformed) => void
): (() => void) => {
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
      done(BodyTooLarge.over(limit))
    } else chunks.push(chunk)
  }
  const onEnd = () => {
    stop()
    const [first] = chunks
    done(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks))
  }
  const onClose = () => {
    stop()
    done(new Malformed({ detail: "The request's body ended early" }))
  }
  source.on("data", onData)
  source.on("end", onEnd)
  source.on("close", onClose)
  // A request that says nothing of a body has none, and its stream ended before anyone could listen (NodeServer.ts).
  if (source.readableEnded) onEnd()
  return stop
}

export const readBody = (
  request: HttpServerRequest.HttpServerRequest,
  limit: number
): Effect.Effect<Buffer, BodyTooLarge | Malformed> =>
  Effect.callback((resume) => {
    const source = NodeHttpServerRequest.toIncomingMessage(request)
    const stop = collectBody(source, limit, (body) =>
      resume(Buffer.isBuffer(body) ? Effect.succeed(body) : Effect.fail(body))
    )
    if (source.headers.expect !== undefined) NodeHttpServerRequest.toServerResponse(request).writeContinue()
    return Effect.sync(stop)
  })
