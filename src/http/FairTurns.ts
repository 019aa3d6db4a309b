import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import { Effect } from "effect"
import type { PreparedResponse } from "./PreparedResponse.ts"

/** Answers a request. */
export type RequestHandler = (request: IncomingMessage, response: PreparedResponse) => void

/**
 * How much is begun in one turn of the event loop, over all connections: 128 votes, or 16 of any other requests. Votes that come
 * together go to Redis together: with 32, a load of votes over 64 connections took a tenth more CPU time.
 */
const most = 128

/** Returns what a request counts in its turn: what a client posts in so few bytes, such as a vote, is soon read. */
const weightOf = ({ headers, method }: IncomingMessage): number =>
  method === "POST" && Number(headers["content-length"]) <= 512 ? 1 : 8

/** The requests of a socket that wait for later turns. */
const waiting = Symbol("waiting")
type WaitingSocket = Socket & {
  [waiting]?: Array<readonly [request: IncomingMessage, response: PreparedResponse]> | undefined
  readonly _paused?: boolean
}

/**
 * Makes a handler that begins so much in each turn of the event loop. Clients may send their next requests before they have
 * answers, and many clients may send at once: Node would begin all of these before anyone else has a turn. Those beyond the bound wait,
 * the connections have one begun after the other, and no more is read of one on which several wait.
 */
export const inFairTurns = (handle: RequestHandler): RequestHandler => {
  let begun = 0
  let ends = false
  /** The connections with requests that wait, in the order in which they have the next one begun. */
  let queue: Array<WaitingSocket> = []

  const nextTurn = (): void => {
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

  const beginNext = (socket: WaitingSocket): void => {
    const next = socket.destroyed ? undefined : socket[waiting]?.shift()
    if (next === undefined) {
      socket[waiting] = undefined
      // Node itself reads on once the client has read enough answers, and its parser takes nothing until then.
      if (socket.isPaused() && socket._paused !== true) socket.resume()
      return
    }
    begun += weightOf(next[0])
    queue.push(socket)
    handle(...next)
  }

  return (request, response) => {
    const socket: WaitingSocket = request.socket
    const left = socket[waiting]
    if (left !== undefined) {
      // A tick later than the request, with which Node goes on reading.
      if (left.push([request, response]) === 2) process.nextTick(() => socket.pause())
      return
    }
    // Whether the turn ends is not asked for each request: those of the turns before may count in this one, up to half of the bound.
    begun += weightOf(request)
    if (begun >= most / 2) endTurn()
    if (begun <= most) {
      handle(request, response)
      return
    }
    socket[waiting] = [[request, response]]
    queue.push(socket)
  }
}

/**
 * Makes an effect that waits for its turn: so many go on in each turn of the event loop, in the order in which they came. What many
 * requests wait for, as for the same results, lets all of them go on at once.
 */
export const makeTurns = (atOnce: number): Effect.Effect<void> => {
  const queue: Array<() => void> = []
  const nextTurn = (): void => {
    const these = queue.splice(0, atOnce)
    if (queue.length > 0) setImmediate(nextTurn)
    for (const goOn of these) goOn()
  }
  return Effect.callback((resume) => {
    if (queue.push(() => resume(Effect.void)) === 1) setImmediate(nextTurn)
  })
}
