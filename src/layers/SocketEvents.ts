import type { Socket } from "node:net"

/** Waits for an event and returns what it came with; rejects if the socket fails or closes first. */
export const until = (socket: Socket, event: string): Promise<ReadonlyArray<unknown>> =>
  new Promise((resolve, reject) => {
    const done = () => {
      socket.off(event, onEvent).off("error", onError).off("close", onClose)
    }
    const onEvent = (...values: ReadonlyArray<unknown>) => {
      done()
      resolve(values)
    }
    const onError = (error: Error) => {
      done()
      reject(error)
    }
    const onClose = () => {
      done()
      reject(new Error("The server closed the connection"))
    }
    socket.on(event, onEvent).on("error", onError).on("close", onClose)
  })
