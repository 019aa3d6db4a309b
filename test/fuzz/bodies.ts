import { gzipSync } from "node:zlib"
import type { Random } from "../chaos/random.ts"
import type { Request } from "./exchange.ts"
import { marker, pick, upTo, weighted } from "./values.ts"
import type { World } from "./world.ts"

/** `MAX_REQUEST_SIZE`, and the most of a vote, in bytes. */
export const mebibyte = 2 ** 20
const maxVote = 16_384

const json = "application/json"
const form = "application/x-www-form-urlencoded"

/** Returns a length about a bound: just below it, at it, just above it. */
const about = (random: Random, bound: number): number => bound - 2 + upTo(random, 5)

const padded = (text: string, length: number): string =>
  text + " ".repeat(Math.max(0, length - Buffer.byteLength(text)))

const letters = (random: Random, length: number): Buffer => Buffer.from(Array.from({ length }, () => upTo(random, 256)))

/** Bodies as JSON, most of them wrong in some way; `length` is about how long they get. */
const jsonBodies: ReadonlyArray<(random: Random, length: number) => string | Buffer> = [
  () => "",
  () => "\ufeff" + '{"option":"cats"}',
  () => '{"option":"cats","option":"dogs"}',
  () => '{"option":"cats","__proto__":{"option":"dogs"}}',
  () => '{"__proto__":{"option":"cats"}}',
  () => '{"constructor":{"prototype":{}}}',
  () => '{"option":NaN}',
  () => '{"option":1e999,"count":-0}',
  () => '{"option":"\\ud800"}',
  () => '{"option":"\\u0063ats"}',
  () => `{"option":"${marker.replaceAll('"', '\\"')}"}`,
  () => `{"${marker.replaceAll('"', '\\"')}":1}`,
  () => "{'option':'cats'}",
  () => '{"options":["a","b"],"options":["c"]}',
  () => '{"options":["a","a"]}',
  () => '{"ranking":["a",["b"],{"c":1}]}',
  () => '{"scores":{"a":1,"a":2}}',
  () => '{"scores":{"a":-0,"b":1.5,"c":"5"}}',
  () => '{"scores":{"__proto__":{"a":1},"constructor":1}}',
  () => '{"points":{"a":1e999,"b":-1}}',
  () => '{"points":{"a":9007199254740993,"b":1e-400}}',
  () => '{"abstain":true,"option":"a"}',
  (_, length) =>
    `{"ranking":[${Array(Math.floor(length / 4))
      .fill('"a"')
      .join(",")}]}`,
  (_, length) => `{"scores":{${Array.from({ length: length / 10 }, (_, at) => `"o${at}":${at}`).join(",")}}}`,
  () => '{"option":"cats",}',
  () => '{"option":"cats"}{"option":"cats"}',
  () => '["option","cats"]',
  () => '"cats"',
  (random) => '{"option":"cats"}'.slice(0, upTo(random, 17)),
  () => Buffer.from('{"option":"cats"}', "utf16le"),
  () => Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]),
  (random) => letters(random, 200),
  (_, length) => "[".repeat(length),
  (_, length) => "[".repeat(length / 2) + "]".repeat(length / 2),
  (_, length) => `${'{"a":'.repeat(length / 6)}1${"}".repeat(length / 6)}`,
  (_, length) =>
    `{"options":[${Array(Math.floor(length / 6))
      .fill('{"":0}')
      .join(",")}]}`,
  (_, length) => `{${Array.from({ length: length / 12 }, (_, at) => `"k${at}":${at}`).join(",")}}`,
  (_, length) => `{"slug":"${"-".repeat(length)}"}`,
  (_, length) => `{"title":"${" ".repeat(length)}","description":"${"\\n".repeat(100)}"}`,
  (_, length) => `{"count":${"9".repeat(length)}}`,
  (_, length) => `{"count":0.${"1".repeat(length)}}`,
  (_, length) => padded('{"option":"cats"}', length),
  (_, length) => "\\u0000".repeat(length / 6)
]

const formBodies: ReadonlyArray<(random: Random, length: number) => string | Buffer> = [
  () => "",
  () => "option=cats&option=dogs",
  () => "option=%",
  () => "options=a&options=b&options=a",
  () => "score-a=1&score-a=2&score-=3",
  () => "rank-a=1&rank-b=1&rank-c=-0",
  () => "points-__proto__=1&points-a=1e9",
  () => "abstain=true&rank-a=1",
  () => "option=%ff%fe&key=%00",
  () => `option=${encodeURIComponent(marker)}&key=${encodeURIComponent(marker)}&token=${encodeURIComponent(marker)}`,
  () => `option=${marker}`,
  () => "option=o0&token=a.b.c",
  (random) => letters(random, 300),
  (_, length) => "a&".repeat(length / 2),
  (_, length) => "&".repeat(length),
  (_, length) => "a=b;".repeat(length / 4),
  (_, length) => "%41".repeat(length / 3),
  (_, length) => `${"+".repeat(length)}=`,
  (_, length) => padded("option=cats&x=", length).replaceAll(" ", "y")
]

const multipart = `--x\r\nContent-Disposition: form-data; name="option"; filename="${marker}"\r\n\r\ncats\r\n--x--\r\n`

/** A body that is odd in itself, to whatever takes one. */
export const oddBody = (random: Random, { adminToken, polls }: World): Request => {
  const { slug } = pick(random, polls)
  const [path, type] = pick(random, [
    ["/api/vote", json],
    ["/vote", json],
    [`/api/polls/${slug}/votes`, json],
    ["/api/polls", json],
    ["/api/polls/fuzz-1/tokens", json],
    [`/polls/${slug}`, form]
  ] as const)
  const length = weighted(random, [
    [10, upTo(random, 2_000)],
    [3, about(random, maxVote)],
    [1, upTo(random, 100_000)],
    [0.3, about(random, mebibyte)]
  ])
  const plain = pick(random, type === json ? jsonBodies : formBodies)(random, length)
  const [body, headers] = weighted<readonly [string | Buffer, Readonly<Record<string, string>>]>(random, [
    [20, [plain, { "content-type": type }]],
    [1, [plain, {}]],
    [1, [plain, { "content-type": `${type}; charset=utf-7` }]],
    [1, [gzipSync(plain), { "content-type": type, "content-encoding": "gzip" }]],
    [1, [multipart, { "content-type": "multipart/form-data; boundary=x" }]]
  ])
  const admin = path.startsWith("/api/polls") && !path.endsWith("/votes")
  const own = admin
    ? { authorization: `Bearer ${adminToken}` }
    : type === form
      ? { "sec-fetch-site": "same-origin" }
      : {}
  return { method: "POST", path, headers: { ...headers, ...own }, body }
}

/** A body longer than any may be, which the server need not read to its end. */
export const hugeBody = (random: Random, world: World): Request => ({
  ...oddBody(random, world),
  body: Buffer.alloc(about(random, mebibyte) + upTo(random, 2) * mebibyte, pick(random, ["&", "[", " ", "a"]))
})
