import type { IncomingMessage, ServerResponse } from "node:http"
import type { Readable } from "node:stream"
import { NodeHttpServerRequest } from "@effect/platform-node"
import { Effect } from "effect"
import type { HttpServerRequest } from "effect/http"
import { BodyTooLarge, Malformed } from "../../domain/Problems.ts"

/**
 * Collects a request's body, counting its bytes as they arrive: no more than `limit` of them are ever held. Everything that
 * takes a body reads it with this. Returns a function that stops the collecting.
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

/** What sends the `100 Continue`, by request whose client waits for it before it sends the body. */
const waiting = new WeakMap<object, () => void>()

/**
 * Marks a request whose client waits for a `100 Continue`. Unless it gets one, its answer is the connection's last: if the
 * client sent the body all the same, that would be taken for the next request.
 */
export const awaitContinue = (request: IncomingMessage, response: ServerResponse): void => {
  const { shouldKeepAlive } = response
  response.shouldKeepAlive = false
  waiting.set(request, () => {
    response.shouldKeepAlive = shouldKeepAlive
    response.writeContinue()
  })
}

/** Reads a request's body of at most `limit` bytes, and asks for it first where the client waits to be asked. */
export const readBody = (
  request: HttpServerRequest.HttpServerRequest,
  limit: number
): Effect.Effect<Buffer, BodyTooLarge | Malformed> =>
  Effect.callback((resume) => {
    const source = NodeHttpServerRequest.toIncomingMessage(request)
    const stop = collectBody(source, limit, (body) =>
      resume(Buffer.isBuffer(body) ? Effect.succeed(body) : Effect.fail(body))
    )
    waiting.get(source)?.()
    waiting.delete(source)
    return Effect.sync(stop)
  })
