import type { ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { Lifecycle } from "./Lifecycle.ts"

/** The key under which a socket keeps the answer to its latest request: a WeakMap would cost each request more. */
export const latest = Symbol("the latest answer")
/** Marks a socket whose last answer was begun: no request that comes after it is begun any more. */
export const ending = Symbol("ending")

export type AnsweringSocket = Socket & { [latest]?: ServerResponse; [ending]?: true }

/**
 * Returns whether the answer to a request, whose head is about to be written, is its connection's last: it is once the process is
 * stopping, unless a client that sends its requests before it has answers has sent more. Those are in flight as well.
 */
export const isLast = (lifecycle: Lifecycle["Service"], request: { readonly socket: Socket }): boolean => {
  if (lifecycle.phase !== "stopping") return false
  const socket: AnsweringSocket = request.socket
  const newest: unknown = socket[latest]?.req
  if (newest !== undefined && newest !== request && !lifecycle.hurries) return false
  socket[ending] = true
  return true
}
