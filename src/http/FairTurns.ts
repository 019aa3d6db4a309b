import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"

/** Answers a request. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void

/** How many requests are begun in one turn of the event loop; the first of each connection in any case. */
const most = 16

type Waiting = readonly [request: IncomingMessage, response: ServerResponse]

/** The turn in which a socket's latest request came, and those of its requests that wait for later turns. */
const turn = Symbol("turn")
const waiting = Symbol("waiting")
type CountedSocket = Socket & {
  [turn]?: number
  [waiting]?: Array<Waiting> | undefined
  readonly _paused?: boolean
}

/**
 * Makes a handler that begins so many requests in each turn of the event loop. Clients may send their next requests before they have
 * answers, on many connections at once, and Node would begin all of them before anyone else has a turn. Those beyond the bound wait,
 * the connections have one begun after the other, and nothing more is read of them meanwhile.
 */
export const inFairTurns = (handle: RequestHandler): RequestHandler => {
  let now = 0
  let begun = 0
  let ends = false
  /** The connections with requests that wait, in the order in which they have the next one begun. */
  let queue: Array<CountedSocket> = []

  const nextTurn = (): void => {
    now++
    begun = 0
    ends = false
    while (begun < most && queue.length > 0) {
      const sockets = queue
      queue = []
      for (const socket of sockets) {
        if (begun < most) beginNext(socket)
        else queue.push(socket)
      }
    }
    if (queue.length > 0) endTurn()
  }
  const endTurn = (): void => {
    if (ends) return
    ends = true
    setImmediate(nextTurn)
  }

  const beginNext = (socket: CountedSocket): void => {
    const left = socket[waiting]
    const next = socket.destroyed ? undefined : left?.shift()
    if (next === undefined) {
      socket[waiting] = undefined
      // Node itself reads on once the client has read enough answers, and its parser takes nothing until then.
      if (socket._paused !== true) socket.resume()
      return
    }
    begun++
    queue.push(socket)
    handle(...next)
  }

  return (request, response) => {
    const socket: CountedSocket = request.socket
    const left = socket[waiting]
    if (left !== undefined) {
      left.push([request, response])
      return
    }
    endTurn()
    const first = socket[turn] !== now
    socket[turn] = now
    begun++
    if (first || begun <= most) {
      handle(request, response)
      return
    }
    socket[waiting] = [[request, response]]
    queue.push(socket)
    // A tick later than the request, with which Node goes on reading.
    process.nextTick(() => socket.pause())
  }
}
