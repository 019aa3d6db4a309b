/** An answer as it was received; interim ones (1xx) are checked and not told. */
export interface Answer {
  readonly status: number
  /** By name, in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** All of it, unless it goes on for ever. */
  readonly body: Buffer
}

/** Bytes that are no answer of HTTP/1.1. */
export class NoHttp extends Error {}

/** Parses the answers on one connection, more strictly than clients do. */
export interface AnswerParser {
  /** Takes received bytes; throws NoHttp. */
  feed(chunk: Buffer): void
  /** Takes note that the server has closed the connection; throws NoHttp in the middle of an answer. */
  end(): void
  /** Whether an answer has begun and has not ended. */
  readonly within: () => boolean
}

type Framing = { readonly by: "length"; readonly length: number } | { readonly by: "chunks" } | { readonly by: "close" }

const headEnd = Buffer.from("\r\n\r\n")
const lineEnd = Buffer.from("\r\n")
const single = ["content-length", "content-type", "transfer-encoding", "location", "retry-after"]

type Head = Omit<Answer, "body">

const parseHead = (head: string): Head => {
  const [first = "", ...lines] = head.split("\r\n")
  const status = /^HTTP\/1\.1 ([1-5]\d\d) [ -~]*$/.exec(first)?.[1]
  if (status === undefined) throw new NoHttp(`no status line: ${JSON.stringify(first.slice(0, 200))}`)
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const [, name = "", value = ""] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([\t -~\x80-\xff]*)$/.exec(line) ?? []
    if (name === "") throw new NoHttp(`no header line: ${JSON.stringify(line.slice(0, 200))}`)
    const key = name.toLowerCase()
    if (headers[key] !== undefined && single.includes(key)) throw new NoHttp(`two headers ${key}`)
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`
  }
  return { status: Number(status), headers }
}

const framingOf = (status: number, headers: Readonly<Record<string, string>>, method: string): Framing => {
  const { "content-length": length, "transfer-encoding": encoding } = headers
  if (length !== undefined && encoding !== undefined) throw new NoHttp("both a Content-Length and a Transfer-Encoding")
  if (method === "HEAD" || status === 204 || status === 304) return { by: "length", length: 0 }
  if (encoding !== undefined) {
    if (encoding !== "chunked") throw new NoHttp(`Transfer-Encoding: ${encoding}`)
    return { by: "chunks" }
  }
  if (length !== undefined) {
    if (!/^\d{1,12}$/.test(length)) throw new NoHttp(`Content-Length: ${length}`)
    return { by: "length", length: Number(length) }
  }
  if (headers.connection !== "close") throw new NoHttp("an answer without an end")
  return { by: "close" }
}

/** Calls `done` with each answer to the requests of these methods in turn; with one that goes on for ever, once it has begun. */
export const makeAnswerParser = (methods: ReadonlyArray<string>, done: (answer: Answer) => void): AnswerParser => {
  let rest: Buffer = Buffer.alloc(0)
  let count = 0
  let open: { readonly head: Head; readonly framing: Framing; readonly goesOn: boolean } | undefined
  let body: Array<Buffer> = []
  let size = 0

  const finish = (): void => {
    if (open === undefined) return
    const { goesOn, head } = open
    open = undefined
    if (!goesOn) done({ ...head, body: Buffer.concat(body) })
    body = []
    size = 0
  }
  const take = (bytes: number): Buffer => {
    const taken = rest.subarray(0, bytes)
    rest = rest.subarray(taken.length)
    return taken
  }
  const keep = (piece: Buffer): void => {
    size += piece.length
    if (!open?.goesOn) body.push(piece)
  }

  /** Returns whether it got anywhere. */
  const stepHead = (): boolean => {
    const end = rest.indexOf(headEnd)
    if (end < 0) {
      if (rest.length > 65_536) throw new NoHttp("a head of more than 64 KiB")
      return false
    }
    const head = parseHead(take(end + 4).toString("latin1", 0, end))
    if (head.status < 200) return true
    const framing = framingOf(head.status, head.headers, methods[count++] ?? "GET")
    const goesOn = head.headers["content-type"] === "text/event-stream" && framing.by !== "length"
    open = { head, framing, goesOn }
    if (goesOn) done({ ...head, body: Buffer.alloc(0) })
    return true
  }
  const stepChunk = (): boolean => {
    const end = rest.indexOf(lineEnd)
    if (end < 0) return false
    const line = rest.toString("latin1", 0, end)
    if (!/^[\da-f]{1,8}$/i.test(line)) throw new NoHttp(`no chunk: ${JSON.stringify(line.slice(0, 200))}`)
    const length = Number.parseInt(line, 16)
    if (rest.length < end + 2 + length + 2) return false
    take(end + 2)
    keep(take(length))
    if (take(2).toString("latin1") !== "\r\n") throw new NoHttp("a chunk without an end")
    if (length === 0) finish()
    return true
  }
  const step = (): boolean => {
    if (open === undefined) return rest.length > 0 && stepHead()
    const { framing } = open
    if (framing.by === "chunks") return stepChunk()
    keep(framing.by === "close" ? take(rest.length) : take(framing.length - size))
    if (framing.by === "length" && size === framing.length) finish()
    else return false
    return true
  }

  return {
    feed: (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      while (step());
    },
    end: () => {
      if (open?.framing.by === "close") finish()
      else if (open !== undefined || rest.length > 0)
        throw new NoHttp("the connection was closed in the middle of an answer")
    },
    within: () => open !== undefined || rest.length > 0
  }
}
