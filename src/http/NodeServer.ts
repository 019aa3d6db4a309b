import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http"
import { awaitContinue } from "./body/ReadBody.ts"
import { inFairTurns, type RequestHandler } from "./FairTurns.ts"
import { type AnsweringSocket, ending, latest } from "./LastAnswer.ts"
import { headLines, PreparedResponse } from "./PreparedResponse.ts"
import { headersOfStatus, problemAnswer } from "./Problem.ts"
import { refuseHead } from "./RequestHead.ts"

declare module "node:http" {
  interface Server {
    /** Whether a client that has closed its side, as one may that has sent its last request, still gets its answers. */
    httpAllowHalfOpen: boolean
  }
}

/** How long a client may take to send a request's headers, and all of it, in ms. */
const headersTimeout = 10_000
const requestTimeout = 15_000
/** How long an idle connection is kept, in ms: longer than load balancers keep it (60 s), so that they close it first. */
const keepAliveTimeout = 65_000
/** How long nothing may move on a connection with an answer under way, in ms: a client that does not read can't hold it for ever. */
const stuckTimeout = 120_000

/** What to answer an error of Node's parser with, by its code: the status, and what is wrong. */
const answerTo: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, "The headers are too long"],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "The extensions of the body's chunks are too long"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "The request took too long to arrive"]
}

const unreadable = [400, "The request can't be read as HTTP/1.1"] as const

/** How many connections beyond the bound get an answer at a time, and how long they have to read it, in ms. */
const refusedAtOnce = 64
const refusalTime = 1_000

/** How many connections a server keeps, and who hears of those that it refuses. */
export interface ConnectionBound {
  readonly most: number
  readonly refused: (peer: string | undefined) => void
}

/** Marks a socket that was refused, or a request on it: what comes after that is no request. */
const refused = Symbol("refused")
type RefusableSocket = AnsweringSocket & { [refused]?: true }

/**
 * Makes Node's own server, with time-outs against slow clients. Each request goes to `handle`; what the server answers by
 * itself carries `headers` as well. Nothing here upgrades a connection: without a listener for that, Node treats a request
 * for it (`curl --http2`) as any other. Connections beyond the bound get a 503 and are closed.
 */
export const makeNodeServer = (
  headers: Readonly<Record<string, string>>,
  handle: RequestHandler,
  bound?: ConnectionBound
): Server => {
  const server = createServer({
    ServerResponse: PreparedResponse,
    headersTimeout,
    requestTimeout,
    keepAliveTimeout,
    connectionsCheckingInterval: 1_000,
    // withHost checks it, so that the refusal has our headers.
    requireHostHeader: false,
    // Spares the events about the body that a request doesn't have: a tenth of what results cost.
    optimizeEmptyRequests: true
  })
  server.timeout = stuckTimeout
  server.httpAllowHalfOpen = true
  const lines = headLines(Object.entries(headers).flat())
  const begin = inFairTurns(handle)
  const onRequest = (request: IncomingMessage, response: PreparedResponse): void => {
    const socket: RefusableSocket = request.socket
    if (socket[refused] || socket[ending]) return
    socket[latest] = response
    const wrong = refuseHead(request)
    if (wrong === undefined) {
      begin(request, response)
      return
    }
    // Nobody knows where the next request begins.
    socket[refused] = true
    answerWrong(response, 400, wrong, headers)
  }
  server.on("request", onRequest)
  server.on("checkContinue", (request: IncomingMessage, response: PreparedResponse) => {
    awaitContinue(request, response)
    onRequest(request, response)
  })
  // An expectation other than 100-continue is not ours to meet: the request is answered like any other.
  server.on("checkExpectation", onRequest)
  server.on("clientError", (error: NodeJS.ErrnoException, socket: RefusableSocket) =>
    answerBroken(error, socket, headers, lines)
  )
  if (bound !== undefined) boundConnections(server, bound, lines)
  return server
}

/** Refuses connections beyond the bound; so many at once that not even that can be said are just closed. */
const boundConnections = (server: Server, { most, refused: tell }: ConnectionBound, lines: string): void => {
  let open = 0
  server.maxConnections = most + refusedAtOnce
  server.on("drop", (dropped) => tell(dropped?.remoteAddress))
  server.on("connection", (socket: RefusableSocket) => {
    open++
    socket.on("close", () => open--)
    if (open <= most) return
    socket[refused] = true
    tell(socket.remoteAddress)
    socket.end(problemText(503, "Too many connections; try again", lines))
    setTimeout(() => socket.destroy(), refusalTime).unref()
  })
}

/** Returns an answer to no request in particular, after which the connection is closed. */
const problemText = (status: number, detail: string, headerLines: string): string => {
  const title = STATUS_CODES[status] ?? "Bad Request"
  const { body, contentType, headers } = problemAnswer({ type: "about:blank", title, status, detail }, "/")
  const own = headLines(Object.entries(headers).flat())
  return (
    `HTTP/1.1 ${status} ${title}\r\n${headerLines}${own}date: ${new Date().toUTCString()}\r\n` +
    `content-type: ${contentType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
  )
}

/** Answers a request that can't be understood, or in two ways, when its turn comes, and closes the connection. */
const answerWrong = (
  response: ServerResponse,
  status: number,
  detail: string,
  headers: Readonly<Record<string, string>>
): void => {
  const title = STATUS_CODES[status] ?? "Bad Request"
  const { body, contentType } = problemAnswer({ type: "about:blank", title, status, detail }, "/")
  const length = Buffer.byteLength(body)
  const own = { "content-type": contentType, "content-length": length, connection: "close" }
  response.writeHead(status, { ...headers, ...headersOfStatus(status), ...own })
  response.end(body)
}

/** Answers bytes that are no request, or only a part of one, where the client could understand an answer. */
const answerBroken = (
  error: NodeJS.ErrnoException,
  socket: RefusableSocket,
  headers: Readonly<Record<string, string>>,
  lines: string
): void => {
  if (error.code === "ECONNRESET" || !socket.writable || socket[refused]) {
    socket.destroy()
    return
  }
  const [status, detail] = answerTo[error.code ?? ""] ?? unreadable
  const answered = socket[latest]
  if (answered === undefined || (answered.writableFinished && answered.req.complete)) {
    socket.end(problemText(status, detail, lines))
  } else if (answered.headersSent) {
    // In the middle of another answer, nothing can be said that the client would understand; and what belongs to a request
    // that has its answer already, such as the rest of its body, must not get a second one. Those before it have theirs first.
    if (answered.writableFinished || answered.socket !== null) socket.destroySoon()
    else if (answered.listenerCount("finish", endConnection) === 0) answered.on("finish", endConnection)
  } else if (answered.req.complete) {
    // It came after a whole request that is not answered yet. That answer, which this one must not be taken for, is the last.
    answered.shouldKeepAlive = false
  } else {
    answerWrong(answered, status, detail, headers)
  }
}

/** Ends the connection of an answer that is the last. */
function endConnection(this: ServerResponse): void {
  this.req.socket.destroySoon()
}
