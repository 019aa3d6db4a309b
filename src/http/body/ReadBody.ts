import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { Readable } from "node:stream"
import { NodeHttpServerRequest } from "@effect/platform-node"
import { Effect } from "effect"
import type { HttpServerRequest } from "effect/http"
import { BodyTooLarge, InvalidFields, Malformed, Unavailable } from "../../domain/Problems.ts"

/** What all bodies that are being received take together, in bytes. */
export interface BodyMemory {
  held: number
  readonly most: number
}

/** How much of a body is taken. */
export interface BodyBounds {
  /** How long it may be, in bytes. */
  readonly most: number
  /** How much of it is kept, in bytes: of a longer one the rest is counted and thrown away, and it is refused. */
  readonly kept: number
  readonly memory: BodyMemory
  readonly report: (what: "bodies" | "large_bodies", peer?: string) => void
}

/** Why a body was not taken. */
export type RefusedBody = BodyTooLarge | InvalidFields | Malformed | Unavailable

/** What a piece of a body takes besides its bytes: a body that comes byte by byte must not count for less than it takes. */
const pieceOverhead = 256

/**
 * Collects a request's body, counting its bytes as they arrive: no more than the bounds allow are ever held. Everything that
 * takes a body reads it with this. Returns a function that stops the collecting.
 */
export const collectBody = (
  source: Readable & { readonly socket: Socket },
  { kept, memory, most, report }: BodyBounds,
  done: (body: Buffer | RefusedBody) => void
): (() => void) => {
  let chunks: Array<Buffer> = []
  let size = 0
  let taken = 0
  const release = () => {
    memory.held -= taken
    taken = 0
  }
  const stop = () => {
    release()
    source.off("data", onData)
    source.off("end", onEnd)
    source.off("close", onClose)
  }
  const onData = (chunk: Buffer) => {
    size += chunk.length
    if (size > most) {
      stop()
      // The rest is left unread; the server closes the connection once it has answered.
      source.pause()
      done(BodyTooLarge.over(most))
    } else if (size > kept) {
      release()
      chunks = []
    } else if (memory.held + chunk.length + pieceOverhead > memory.most) {
      stop()
      chunks = []
      report("bodies", source.socket.remoteAddress)
      // The rest flows on, to nobody, so that the connection can be used again.
      done(noRoom)
    } else {
      memory.held += chunk.length + pieceOverhead
      taken += chunk.length + pieceOverhead
      chunks.push(chunk)
    }
  }
  const onEnd = () => {
    stop()
    if (size > kept) {
      report("large_bodies", source.socket.remoteAddress)
      done(longerThan(kept))
      return
    }
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

const noRoom = new Unavailable({ detail: "Too many requests are being received; try again" })

const longerThan = (bytes: number) =>
  new InvalidFields({
    detail: `What is sent here is no longer than ${bytes} bytes`,
    errors: [{ pointer: "#", detail: `is longer than ${bytes} bytes` }]
  })

/** What sends the `100 Continue`, by request whose client waits for it before it sends the body. */
const waiting = new WeakMap<object, () => void>()

/**
 * Marks a request whose client waits for a `100 Continue`. Unless it gets one, Node makes its answer the connection's last: if the
 * client sent the body all the same, that would be taken for the next request.
 */
export const awaitContinue = (request: IncomingMessage, response: ServerResponse): void => {
  waiting.set(request, () => response.writeContinue())
}

/** Reads a request's body within bounds, and asks for it first where the client waits to be asked. */
export const readBody = (
  request: HttpServerRequest.HttpServerRequest,
  bounds: BodyBounds
): Effect.Effect<Buffer, RefusedBody> =>
  Effect.callback((resume) => {
    const source = NodeHttpServerRequest.toIncomingMessage(request)
    const stop = collectBody(source, bounds, (body) =>
      resume(Buffer.isBuffer(body) ? Effect.succeed(body) : Effect.fail(body))
    )
    waiting.get(source)?.()
    waiting.delete(source)
    return Effect.sync(stop)
  })
