import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http"
import type { Socket } from "node:net"
import { awaitContinue } from "./body/ReadBody.ts"
import { problemAnswer } from "./Problem.ts"

/** How long a client may take to send a request's headers, and all of it, in ms. */
const headersTimeout = 10_000
const requestTimeout = 15_000
/** How long an idle connection is kept, in ms: longer than load balancers keep it (60 s), so that they close it first. */
const keepAliveTimeout = 65_000

/** The status to answer an error of Node's parser with, by its code; 400 for any other. */
const statusOf: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408
}

/** The key under which a socket keeps the answer to its latest request: a WeakMap would cost each request more. */
const latest = Symbol("the latest answer")
type AnsweringSocket = Socket & { [latest]?: ServerResponse }

/** Answers a request. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Makes Node's own server, with time-outs against slow clients. Each request goes to `handle`; what the server answers by
 * itself carries `headers` as well. Nothing here upgrades a connection: without a listener for that, Node treats a request
 * for it (`curl --http2`) as any other.
 */
export const makeNodeServer = (headers: Readonly<Record<string, string>>, handle: RequestHandler): Server => {
  const server = createServer({
    headersTimeout,
    requestTimeout,
    keepAliveTimeout,
    connectionsCheckingInterval: 1_000,
    // withHost checks it, so that the refusal has our headers.
    requireHostHeader: false,
    // Spares the events about the body that a request doesn't have: a tenth of what results cost.
    optimizeEmptyRequests: true
  })
  const lines = Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const socket: AnsweringSocket = request.socket
    socket[latest] = response
    handle(request, response)
  }
  server.on("request", onRequest)
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    awaitContinue(request, response)
    onRequest(request, response)
  })
  // An expectation other than 100-continue is not ours to meet: the request is answered like any other.
  server.on("checkExpectation", onRequest)
  server.on("clientError", (error: NodeJS.ErrnoException, socket: AnsweringSocket) =>
    answerBroken(error, socket, lines)
  )
  return server
}

/** Answers bytes that are no request, or only a part of one, where the client could understand an answer. */
const answerBroken = (error: NodeJS.ErrnoException, socket: AnsweringSocket, headerLines: string): void => {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy()
    return
  }
  const answered = socket[latest]
  if (answered?.req.complete && !answered.headersSent) {
    // It came after a whole request that is not answered yet. That answer, which this one must not be taken for, is the last.
    answered.shouldKeepAlive = false
    return
  }
  if (answered?.headersSent && !answered.writableFinished) {
    // In the middle of another answer, nothing can be said that the client would understand.
    socket.destroySoon()
    return
  }
  const status = statusOf[error.code ?? ""] ?? 400
  const title = STATUS_CODES[status] ?? "Bad Request"
  const { body, contentType } = problemAnswer({ type: "about:blank", title, status }, "/")
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\n${headerLines}content-type: ${contentType}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
  )
}
