import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Lifecycle } from "../Lifecycle.ts"
import type { Permission } from "../middleware/Cors.ts"
import type { RecordRequest } from "../middleware/Metrics.ts"

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
  /** Sends all of an answer. */
  whole(exchange: Exchange, status: number, own: ReadonlyArray<string>, body: string): void
}

/** For so many origins, their headers are made once: there are few, unless someone makes them up. */
const mostOrigins = 100

export const makeAnswer = ({ headers, lifecycle, permission, record }: Around): Answer => {
  const heads = new Map<string | undefined, ReadonlyArray<string>>()
  const around = (origin: string | undefined): ReadonlyArray<string> => {
    const made = heads.get(origin) ?? Object.entries({ ...headers, ...permission(origin) }).flat()
    if (heads.size < mostOrigins) heads.set(origin, made)
    return made
  }
  const head: Answer["head"] = ({ request, response, route, started }, status, own) => {
    if (lifecycle.phase === "stopping") response.shouldKeepAlive = false
    response.writeHead(status, own.concat(around(request.headers.origin)))
    record(route, request.method ?? "", status, started)
  }
  return {
    head,
    whole: (exchange, status, own, body) => {
      head(exchange, status, own.concat("content-length", String(Buffer.byteLength(body))))
      exchange.response.end(body)
    }
  }
}

/** Lets the lane have each request first; what it leaves goes to the listener that was there. */
export const openLane = (server: Server, lane: Lane): void => {
  const [app] = server.listeners("request").slice(-1) as Array<
    (request: IncomingMessage, response: ServerResponse) => void
  >
  if (app === undefined) return
  server.off("request", app)
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
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
