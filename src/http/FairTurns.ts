import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"

/** Answers a request. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void

/** How many requests of one connection are begun in one turn of the event loop. */
const most = 64

type Waiting = readonly [request: IncomingMessage, response: ServerResponse]

/** The turn in which a socket's latest request came, how many have come in it, and those that wait for later ones. */
const turn = Symbol("turn")
const begun = Symbol("begun")
const waiting = Symbol("waiting")
type CountedSocket = Socket & {
  [turn]?: number
  [begun]?: number
  [waiting]?: Array<Waiting> | undefined
  readonly _paused?: boolean
}

/**
 * Makes a handler that begins so many requests of a connection in each turn of the event loop. A client may send its next requests
 * before it has answers, and Node would begin all of 2 MiB of them before anyone else has a turn. The others wait, and nothing more
 * is read of the connection meanwhile.
 */
export const inFairTurns = (handle: RequestHandler): RequestHandler => {
  let now = 0
  let ends = false
  const next = (): void => {
    now++
    ends = false
  }

  const goOn = (socket: CountedSocket): void => {
    const left = socket[waiting] ?? []
    for (const [request, response] of left.splice(0, most)) if (!socket.destroyed) handle(request, response)
    if (left.length > 0) setImmediate(goOn, socket)
    else {
      socket[waiting] = undefined
      // Node itself reads on once the client has read enough answers, and its parser takes nothing until then.
      if (socket._paused !== true) socket.resume()
    }
  }

  return (request, response) => {
    const socket: CountedSocket = request.socket
    const left = socket[waiting]
    if (left !== undefined) {
      left.push([request, response])
      return
    }
    if (!ends) {
      ends = true
      setImmediate(next)
    }
    if (socket[turn] !== now) {
      socket[turn] = now
      socket[begun] = 0
    }
    socket[begun] = (socket[begun] ?? 0) + 1
    if (socket[begun] <= most) {
      handle(request, response)
      return
    }
    socket[waiting] = [[request, response]]
    // A tick later than the request, with which Node goes on reading.
    process.nextTick(() => socket.pause())
    setImmediate(goOn, socket)
  }
}
