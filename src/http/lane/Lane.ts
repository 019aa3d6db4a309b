import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Lifecycle } from "../Lifecycle.ts"
import type { Permission } from "../middleware/Cors.ts"
import type { RecordRequest } from "../middleware/RequestMetrics.ts"

/*
 * The fast lane: what nearly all requests are, a plain vote or a look at live results, goes from Node's request to Node's
 * response by way of the same functions that the app is made of, without the app around them. Whatever is out of the
 * ordinary, the lane leaves to the app; `test/http/lane.test.ts` holds the answers of both together.
 */

/** Takes a request and answers it, or leaves it to the app: false. */
export type Lane = (request: IncomingMessage, response: ServerResponse) => boolean

/** What stands around each answer, as the middleware puts it around the app's. */
export interface Around {
  /** The headers that every answer has. */
  readonly headers: Readonly<Record<string, string>>
  readonly permission: Permission
  readonly record: RecordRequest
  readonly lifecycle: Lifecycle["Service"]
}

/** A request in the lane. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The pattern of its path. */
  readonly route: string
  /** When it came, by `performance.now()`. */
  readonly started: number
}

export interface Answer {
  /** Sends the head, with headers of the answer's own, names and values in turn; its body, of any length, may follow. */
  head(exchange: Exchange, status: number, own: ReadonlyArray<string>): void
  /** Sends all of an answer; `own` is added to. */
  whole(exchange: Exchange, status: number, own: Array<string>, body: string): void
}

/** Adds headers to names and values in turn; by way of Object.entries, a vote costs a twentieth more. */
export const addHeaders = (to: Array<string>, headers: Readonly<Record<string, string>>): void => {
  for (const name in headers) to.push(name, headers[name] ?? "")
}

/** For so many origins, their headers are made once: there are few, unless someone makes them up. */
const mostOrigins = 100

/** The headers of the answers to an origin: those that all have, and the latest that one had. */
interface Head {
  readonly origin: string | undefined
  readonly around: Array<string>
  own: ReadonlyArray<string>
  all: Array<string>
}

export const makeAnswer = ({ headers, lifecycle, permission, record }: Around): Answer => {
  const known = new Map<string | undefined, Head>()
  const headFor = (origin: string | undefined): Head => {
    const made = known.get(origin)
    if (made !== undefined) return made
    const around = Object.entries({ ...headers, ...permission(origin) }).flat()
    const head = { origin, around, own: [], all: around }
    if (known.size < mostOrigins) known.set(origin, head)
    return head
  }
  let last = headFor(undefined)
  const head: Answer["head"] = ({ request, response, route, started }, status, own) => {
    if (lifecycle.phase === "stopping") response.shouldKeepAlive = false
    // Most requests are like the one before.
    const { origin } = request.headers
    if (last.origin !== origin) last = headFor(origin)
    if (last.own !== own) {
      last.own = own
      last.all = own.concat(last.around)
    }
    response.writeHead(status, last.all)
    record(route, request.method ?? "", status, started)
  }
  return {
    head,
    whole: (exchange, status, own, body) => {
      own.push("content-length", String(Buffer.byteLength(body)))
      head(exchange, status, own)
      exchange.response.end(body)
    }
  }
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** Lets the lane have each request before the listener that came last. One for all, since several cost each request more. */
export const openLane = (server: Server, lane: Lane): void => {
  const listeners = server.listeners("request") as Array<Listener>
  const app = listeners.pop()
  if (app === undefined) return
  server.removeAllListeners("request")
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    for (const listener of listeners) listener(request, response)
    if (!lane(request, response)) app(request, response)
  })
}

/** Whether there is nothing about a request that only the app knows how to treat. */
export const isOrdinary = ({ headers }: IncomingMessage): boolean =>
  headers.host !== undefined && headers.expect === undefined

const pollPath = "/api/polls/"

/** The slug in the path `/api/polls/<slug><rest>`, as it is written there. */
export const slugIn = (url: string, rest: string): string | undefined =>
  url.startsWith(pollPath) && url.endsWith(rest) ? url.slice(pollPath.length, -rest.length) : undefined
