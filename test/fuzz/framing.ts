import type { Random } from "../chaos/random.ts"
import { host } from "./exchange.ts"
import { marker, pick, upTo } from "./values.ts"

/** Bytes of a client that knows no HTTP, or that hopes for a server that is confused by it. */
export interface OddBytes {
  readonly bytes: Buffer
  /** How many answers there may be at most. */
  readonly requests: number
  /** Whether they are the beginning of something that never comes, for which a server may wait. */
  readonly unfinished?: boolean
}

const body = '{"option":"cats"}'
const plain = `host: ${host}\r\ncontent-type: application/json\r\n`
const post = (lines: string, content = body, head = plain) => `POST /api/vote HTTP/1.1\r\n${head}${lines}\r\n${content}`
const get = (lines: string, target = "/api/results", version = "HTTP/1.1") => `GET ${target} ${version}\r\n${lines}\r\n`
const second = get(`host: ${host}\r\n`, "/api/polls")
const chunks = (lines: string, extra = "") => post(`transfer-encoding: chunked\r\n${extra}`, lines)
const whole = (text: string, requests = 1): OddBytes => ({ bytes: Buffer.from(text, "latin1"), requests })
const partial = (text: string): OddBytes => ({ ...whole(text), unfinished: true })

const cases: ReadonlyArray<(random: Random) => OddBytes> = [
  // Lengths.
  () => whole(post("content-length: 17\r\ncontent-length: 17\r\n")),
  () => whole(post("content-length: 17\r\ncontent-length: 5\r\n")),
  () => whole(post("content-length: 17, 17\r\n")),
  () => whole(post("content-length: -1\r\n")),
  () => whole(post("content-length: +17\r\n")),
  () => whole(post("content-length: 0x11\r\n")),
  () => whole(post("content-length: 1e1\r\n")),
  () => whole(post("content-length: 99999999999999999999999\r\n")),
  () => whole(post("content-length: \r\n")),
  () => whole(post("content-length : 17\r\n")),
  () => partial(post("content-length: 1000\r\n")),
  () => partial(post("content-length: 1048576\r\n")),
  () => whole(post("content-length: 1048577\r\n")),
  () => whole(post("content-length: 5\r\n"), 2),
  () => whole(post("", body), 2),
  // Two kinds of framing at once, and a request in the body.
  () => whole(chunks(`0\r\n\r\n${second}`, "content-length: 6\r\n")),
  () => whole(post(`content-length: 17\r\ntransfer-encoding: identity\r\n`)),
  () => whole(post(`transfer-encoding: gzip, chunked\r\n`, `11\r\n${body}\r\n0\r\n\r\n`)),
  () => whole(post(`transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n`, `11\r\n${body}\r\n0\r\n\r\n`)),
  () => whole(post(`transfer-encoding: xchunked\r\n`, `11\r\n${body}\r\n0\r\n\r\n`)),
  () => whole(post(`transfer-encoding:\x0bchunked\r\n`, `11\r\n${body}\r\n0\r\n\r\n`), 2),
  () => whole(post(`transfer_encoding: chunked\r\n`, `11\r\n${body}\r\n0\r\n\r\n`), 2),
  () => whole(`GET /api/results HTTP/1.1\r\n${plain}content-length: ${second.length}\r\n\r\n${second}`),
  // Chunks.
  () => whole(chunks(`11;a=b\r\n${body}\r\n0\r\n\r\n`)),
  () => whole(chunks(`11;${"a".repeat(20_000)}\r\n${body}\r\n0\r\n\r\n`)),
  () => whole(chunks(`g\r\n${body}\r\n0\r\n\r\n`)),
  () => whole(chunks(`-11\r\n${body}\r\n0\r\n\r\n`)),
  () => whole(chunks(`ffffffffffffffffff\r\n${body}\r\n0\r\n\r\n`)),
  () => whole(chunks(`11\r\n${body}0\r\n\r\n`)),
  () => whole(chunks(`11\n${body}\n0\n\n`)),
  () => whole(chunks(`11\r\n${body}\r\n0\r\n${"t: 1\r\n".repeat(5_000)}\r\n`)),
  () => whole(chunks(`11\r\n${body}\r\n0\r\ncontent-length: 5\r\n\r\n${second}`), 2),
  () => partial(chunks(`11\r\n${body}\r\n`)),
  () => partial(chunks("fffff\r\na")),
  // Hosts, targets, versions.
  () => whole(get("")),
  () => whole(get("host: a\r\nhost: b\r\n")),
  () => whole(get(`host: ${marker}\r\n`)),
  () => whole(get("host: a b\r\n")),
  () => whole(get("host:\r\n")),
  () => whole(get(`host: ${host}\r\n`, `http://${host}/api/results`)),
  () => whole(get("host: other\r\n", `http://${host}`)),
  () => whole(get(`host: ${host}\r\n`, `http://user@${host}/`)),
  () => whole(get(`host: ${host}\r\n`, "ftp://x/")),
  () => whole(get(`host: ${host}\r\n`, "*")),
  () => whole(get(`host: ${host}\r\n`, `/${marker}`)),
  () => whole(get(`host: ${host}\r\n`, "/\xff\xfe")),
  () => whole(get(`host: ${host}\r\n`, `/api/results?${"a".repeat(17_000)}`)),
  () => whole("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n"),
  () => whole("CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n"),
  () => whole(get("", "/api/results", "HTTP/1.0")),
  () => whole(get("connection: keep-alive\r\n", "/polls/cats-or-dogs", "HTTP/1.0")),
  () => whole(get(`host: ${host}\r\n`, "/", "HTTP/0.9")),
  () => whole(get(`host: ${host}\r\n`, "/", "HTTP/1.2")),
  () => whole(get(`host: ${host}\r\n`, "/", "HTTP/2.0")),
  () => whole(get(`host: ${host}\r\n`, "/", "http/1.1")),
  () => whole("GET /\r\n\r\n"),
  // Header lines.
  (random) => whole(get(`host: ${host}\r\n${"a: b\r\n".repeat(upTo(random, 4_000))}`)),
  (random) => whole(get(`host: ${host}\r\n${"cookie: a=b\r\n".repeat(upTo(random, 1_200))}`)),
  (random) => whole(get(`host: ${host}\r\nx: ${"a".repeat(upTo(random, 40_000))}\r\n`)),
  () => whole(get(`host: ${host}\r\nx: a\r\n folded\r\n`)),
  () => whole(get(`host: ${host}\r\n: nameless\r\n`)),
  () => whole(get(`host: ${host}\r\nno colon\r\n`)),
  () => whole(get(`host: ${host}\r\nx: a\x00b\r\n`)),
  () => whole(get(`host: ${host}\r\nx: a\rb\r\n`)),
  () => whole(get(`host: ${host}\nx: a\n`).replaceAll("\r", "")),
  () => whole(get(`host: ${host}\r\nx: ${"\xff".repeat(200)}\r\n`)),
  () => whole(get(`host: ${host}\r\nx-forwarded-for: 1.1.1.1\r\nx-forwarded-for: ${"2, ".repeat(500)}\r\n`)),
  () => whole(get(`host: ${host}\r\nconnection: close, x-forwarded-for, host\r\n`)),
  // Other protocols, expectations, upgrades.
  () => whole("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
  () =>
    whole(get(`host: ${host}\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n`)),
  () => whole(get(`host: ${host}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n`)),
  () => whole(`\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${"\xab".repeat(500)}`),
  () => whole(`PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n${second}`),
  () => whole(post("content-length: 17\r\nexpect: 100-continue\r\n")),
  () => whole(post("content-length: 17\r\nexpect: the-unexpected\r\n")),
  () => partial(post("content-length: 17\r\nexpect: 100-continue\r\n", "")),
  (random) =>
    whole(`${Array.from({ length: 500 }, () => String.fromCharCode(33 + upTo(random, 200))).join("")}\r\n\r\n`),
  (random) => partial(String.fromCharCode(...Array.from({ length: 1 + upTo(random, 60) }, () => upTo(random, 256)))),
  (random) => partial("\r\n".repeat(upTo(random, 5_000))),
  (random) => partial(second.slice(0, 1 + upTo(random, second.length - 1))),
  (random) => ({ bytes: mutated(post("content-length: 17\r\n"), random), requests: 3, unfinished: true }),
  (random) => ({ bytes: mutated(chunks(`11\r\n${body}\r\n0\r\n\r\n`), random), requests: 3, unfinished: true })
]

/** Changes, removes or repeats a few bytes. */
const mutated = (text: string, random: Random): Buffer => {
  let bytes: Buffer = Buffer.from(text, "latin1")
  for (let times = 1 + upTo(random, 4); times > 0; times--) {
    const at = upTo(random, bytes.length)
    const middle = pick(random, [Buffer.from([upTo(random, 256)]), Buffer.alloc(0), bytes.subarray(at, at + 8)])
    bytes = Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(at + upTo(random, 2))])
  }
  return bytes
}

export const oddBytes = (random: Random): OddBytes => pick(random, cases)(random)
