import type { Random } from "../chaos/random.ts"

/** A request that is sound as HTTP. */
export interface Request {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Buffer | undefined
}

/** What is sent on a connection, and what must come of it. */
export interface Exchange {
  readonly kind: string
  readonly to: "api" | "management"
  /** The methods of its requests: there must be no more answers. */
  readonly methods: ReadonlyArray<string>
  /** Bytes, and pauses in ms. */
  readonly pieces: ReadonlyArray<Buffer | number>
  /**
   * `answers`: one for each request, on a connection that is kept. `end`: an answer, or the end of a connection of its own.
   * `nothing`: it is cut off after the pieces, whatever has come by then.
   */
  readonly expects: "answers" | "end" | "nothing"
  /** On how many connections it takes place at once; 1 unless it says so. */
  readonly copies?: number
  /** Whether the client reads nothing at all. */
  readonly deaf?: boolean
  /** Whether others need not wait for its end. */
  readonly long?: boolean
}

export const host = "tally.example"

const asBuffer = (body: string | Buffer | undefined): Buffer =>
  body === undefined ? Buffer.alloc(0) : Buffer.isBuffer(body) ? body : Buffer.from(body)

const chunked = (body: Buffer, random: Random): Buffer => {
  const parts: Array<Buffer> = []
  for (let at = 0; at < body.length; ) {
    const piece = body.subarray(at, at + 1 + Math.floor(random() * (body.length < 100 ? 20 : 9_000)))
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n"))
    at += piece.length
  }
  const trailer = random() < 0.1 ? "x-trailer: 1\r\n" : ""
  return Buffer.concat([...parts, Buffer.from(`0\r\n${trailer}\r\n`)])
}

/** Returns the head and the body of a request as they are sent, the body now and then in chunks. */
export const encode = ({ body, headers, method, path }: Request, random: Random): readonly [Buffer, Buffer] => {
  const bytes = asBuffer(body)
  const inChunks = body !== undefined && random() < 0.1
  const framing =
    body === undefined ? [] : [inChunks ? "transfer-encoding: chunked" : `content-length: ${bytes.length}`]
  const named = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const lines = [`${method} ${path} HTTP/1.1`, `host: ${host}`, ...named, ...framing, "", ""]
  return [Buffer.from(lines.join("\r\n"), "latin1"), inChunks ? chunked(bytes, random) : bytes]
}
