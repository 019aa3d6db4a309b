import type { Socket } from "node:net"

/** How many requests of one connection are begun in one turn of the event loop. */
const most = 64

/** The turn in which a socket's latest request came, how many have come in it, and whether it reads no more in it. */
const turn = Symbol("turn")
const begun = Symbol("begun")
const held = Symbol("held")
type CountedSocket = Socket & { [turn]?: number; [begun]?: number; [held]?: boolean; readonly _paused?: boolean }

/**
 * Counts the requests of each connection in a turn of the event loop. Returns a function that tells whether one is too many. A
 * client may send its next requests before it has answers, and Node would begin all of 2 MiB of them before anything else has
 * its turn.
 */
export const makePipelineBound = (): ((socket: CountedSocket) => boolean) => {
  let now = 0
  let ends = false
  const next = (): void => {
    now++
    ends = false
  }
  return (socket) => {
    if (!ends) {
      ends = true
      setImmediate(next)
    }
    if (socket[turn] !== now) {
      socket[turn] = now
      socket[begun] = 0
    }
    socket[begun] = (socket[begun] ?? 0) + 1
    if (socket[begun] <= most) return false
    if (!socket[held]) {
      socket[held] = true
      process.nextTick(hold, socket)
    }
    return true
  }
}

/** Reads no more of a connection in this turn. It is a tick later than the request, with which Node goes on reading. */
const hold = (socket: CountedSocket): void => {
  socket.pause()
  setImmediate(() => {
    socket[held] = false
    // Node itself reads on once the client has read enough answers, and its parser takes nothing until then.
    if (socket._paused !== true) socket.resume()
  })
}
