import { createServer, type Server, type ServerResponse, STATUS_CODES } from "node:http"
import type { Socket } from "node:net"
import { problemBody } from "./Problem.ts"

/** How long a client may take to send a request's headers, and all of it, in ms. */
const headersTimeout = 10_000
const requestTimeout = 15_000
/** Longer than load balancers keep an idle connection (60 s), so that it is they who close it, in ms. */
const keepAliveTimeout = 65_000

/** The status for what Node's parser reports, by the error's code; 400 for any other. */
const statusOf: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408
}

/** Where a socket keeps the answer to its latest request: with each request, a WeakMap would cost more. */
const latest = Symbol("the latest answer")
type Answered = Socket & { [latest]?: ServerResponse }

/** Node's own server with time-outs against slow clients; what it answers by itself carries `headers` as well. */
export const makeNodeServer = (headers: Readonly<Record<string, string>>): Server => {
  const server = createServer({
    headersTimeout,
    requestTimeout,
    keepAliveTimeout,
    connectionsCheckingInterval: 1_000,
    // Checked where the answer gets its headers.
    requireHostHeader: false,
    // A tenth of what results cost: no events about the body that a request doesn't have.
    optimizeEmptyRequests: true
  })
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const remember = ({ socket }: { readonly socket: Answered }, response: ServerResponse) => {
    socket[latest] = response
  }
  server.on("request", remember)
  server.on("checkContinue", remember)
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Answered) => {
    if (error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy()
      return
    }
    const answered = socket[latest]
    if (answered?.req.complete && !answered.headersSent) {
      // After a whole request that is not answered yet: its answer, which this one must not be taken for, is the last.
      answered.shouldKeepAlive = false
      return
    }
    if (answered?.headersSent && !answered.writableFinished) {
      // In the middle of another answer: nothing can be said that the client would understand.
      socket.destroySoon()
      return
    }
    const status = statusOf[error.code ?? ""] ?? 400
    const body = problemBody({ type: "about:blank", title: STATUS_CODES[status] ?? "Bad Request", status }, "/")
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}content-type: application/problem+json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
    )
  })
  // An expectation other than 100-continue is not ours to meet: the request is answered like any other.
  server.on("checkExpectation", (request, response) => server.emit("request", request, response))
  return server
}
