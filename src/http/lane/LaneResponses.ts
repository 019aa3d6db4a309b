import type { IncomingMessage } from "node:http"
import { matchesTag } from "../ETag.ts"
import { isLast } from "../LastAnswer.ts"
import type { Lifecycle } from "../Lifecycle.ts"
import type { Permission } from "../middleware/Cors.ts"
import type { RecordRequest } from "../middleware/RequestMetrics.ts"
import { headLines, type PreparedResponse } from "../PreparedResponse.ts"
import type { PlainAnswer } from "../Problem.ts"

/** What the lane needs to do for its answers what the middleware does for the app's. */
export interface Duties {
  /** The headers that every answer has. */
  readonly headers: Readonly<Record<string, string>>
  readonly permission: Permission
  readonly record: RecordRequest
  readonly lifecycle: Lifecycle["Service"]
}

/** A request that the lane has taken. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: PreparedResponse
  /** The pattern of its path. */
  readonly route: string
  /** When it came, by `performance.now()`. */
  readonly started: number
}

/** A whole answer that stays the same for all who ask, until something changes. */
export interface KeptAnswer {
  readonly body: string | Uint8Array
  readonly length: number
  readonly encoding: "latin1" | "utf8"
  readonly headers: ReadonlyArray<string>
  /** Its tag, and the headers for who has it already; undefined where the answer is sent all the same. */
  readonly tagged: { readonly etag: string; readonly headers: ReadonlyArray<string> } | undefined
}

/** Makes an answer of a body, to be kept; with an `etag`, it is not sent again to who has it. */
export const keepAnswer = (
  body: string | Uint8Array,
  contentType: string,
  headers: Readonly<Record<string, string>>,
  etag?: string
): KeptAnswer => {
  const length = Buffer.byteLength(body)
  const others = Object.entries(headers).flat()
  return {
    body,
    length,
    encoding: encodingOf(body, length),
    headers: [...others, "content-type", contentType],
    tagged: etag === undefined ? undefined : { etag, headers: others }
  }
}

/** Writes the lane's answers to Node's responses. Headers are names and values in turn, as Node takes them at no cost. */
export interface LaneResponses {
  /**
   * Sends the head of an answer, whose body may follow; of `length` bytes, where that is known. The same array with each answer is
   * put together only once; `own` is what this answer alone has.
   */
  writeHead(
    exchange: Exchange,
    status: number,
    headers: ReadonlyArray<string>,
    length?: number,
    own?: ReadonlyArray<string>
  ): void
  /** Sends an answer that is kept, or a 304 to who has it. */
  sendKept(exchange: Exchange, kept: KeptAnswer): void
  /** Sends a whole answer, with further headers. */
  send(exchange: Exchange, answer: PlainAnswer, more: ReadonlyArray<string>): void
}

/** Appends headers to a list of names and values in turn. With Object.entries, a vote would cost a twentieth more. */
export const pushHeaders = (to: Array<string>, headers: Readonly<Record<string, string>>): void => {
  for (const name in headers) to.push(name, `${headers[name]}`)
}

/** Returns the encoding in which Node writes a text of a length in bytes: latin1 costs less, and is right for ASCII. */
export const encodingOf = (text: string | Uint8Array, length: number): "latin1" | "utf8" =>
  text.length === length ? "latin1" : "utf8"

/** At most so many origins have their headers kept: there are few, unless someone makes them up. */
const maxOrigins = 100

/** The heads of the answers to an origin: the lines that all have, and what was put together with them. */
interface OriginLines {
  readonly origin: string | undefined
  readonly common: string
  readonly heads: WeakMap<ReadonlyArray<string>, string>
}

/** Returns the lines of a head: those of all answers, but for headers that it has itself. What it varies by comes to the others'. */
const withCommon = (given: ReadonlyArray<string>, common: string): string => {
  const own = new Set(given.filter((name, place) => place % 2 === 0 && name !== "vary"))
  const kept = common.split(/(?<=\n)/).filter((line) => !own.has(line.slice(0, line.indexOf(":"))))
  return headLines(given) + kept.join("")
}

export const makeLaneResponses = ({ headers, lifecycle, permission, record }: Duties): LaneResponses => {
  const known = new Map<string | undefined, OriginLines>()
  const linesFor = (origin: string | undefined): OriginLines => {
    const kept = known.get(origin)
    if (kept !== undefined) return kept
    const common = headLines(Object.entries({ ...headers, ...permission(origin) }).flat())
    const made = { origin, common, heads: new WeakMap() }
    if (known.size < maxOrigins) known.set(origin, made)
    return made
  }
  let last = linesFor(undefined)

  /** Returns the lines of the answers to whoever a request is from. Most requests are like the one before. */
  const linesOf = ({ headers: { origin } }: IncomingMessage): OriginLines => {
    if (last.origin !== origin) last = linesFor(origin)
    return last
  }

  const begin = (
    { request, response, route, started }: Exchange,
    status: number,
    lines: string,
    more: Array<string>
  ): void => {
    if (isLast(lifecycle, request)) response.shouldKeepAlive = false
    response.lines = lines
    response.writeHead(status, more)
    record(route, `${request.method}`, status, started)
  }

  const writeHead: LaneResponses["writeHead"] = (exchange, status, given, length, own = []) => {
    const { common, heads } = linesOf(exchange.request)
    let lines = heads.get(given)
    if (lines === undefined) {
      lines = withCommon(given, common)
      heads.set(given, lines)
    }
    // Node has to see the length: it sends chunks otherwise.
    const sized = length === undefined ? [] : ["content-length", String(length)]
    for (const text of own) sized.push(text)
    begin(exchange, status, lines, sized)
  }

  return {
    writeHead,
    sendKept: (exchange, { body, encoding, headers, length, tagged }) => {
      const { request, response } = exchange
      const known = request.headers["if-none-match"]
      if (tagged !== undefined && known !== undefined && matchesTag(known, tagged.etag)) {
        writeHead(exchange, 304, tagged.headers)
        response.end()
      } else {
        writeHead(exchange, 200, headers, length)
        response.end(body, encoding)
      }
    },
    send: (exchange, { body, contentType, headers, status }, more) => {
      const length = Buffer.byteLength(body)
      const all = ["content-type", contentType, "content-length", String(length)]
      pushHeaders(all, headers)
      for (const text of more) all.push(text)
      begin(exchange, status, linesOf(exchange.request).common, all)
      exchange.response.end(body, encodingOf(body, length))
    }
  }
}
