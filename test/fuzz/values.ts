import type { Random } from "../chaos/random.ts"

/** What stands in requests so that it is found again where it was not escaped. */
export const marker = '<zq7 onload="x">'

export const texts = [
  "cats",
  "cats-or-dogs",
  "",
  "..",
  "a".repeat(400),
  marker,
  "<script>alert(1)</script>",
  "' or 1=1; drop table poll; --",
  "\u0000",
  "\ud800",
  "\ufeff",
  "💥",
  "ﷺ".repeat(50),
  "019845e1-682f-7b02-a706-3b2422d13aec",
  "18446744073709551616-1",
  "1732000000000-0",
  "2026-11-24T20:15:00Z",
  "9999-99-99T99:99:99Z",
  "-1",
  "1e309",
  "=1+1",
  "__proto__",
  "constructor"
]

export const values: ReadonlyArray<unknown> = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  1e308,
  [],
  {},
  [[]],
  { option: "cats" },
  ...texts
]

export const pick = <A>(random: Random, list: ReadonlyArray<A>): A => list[Math.floor(random() * list.length)] as A

export const upTo = (random: Random, most: number): number => Math.floor(random() * most)

/** Returns one of several things, each with how often it should come. */
export const weighted = <A>(random: Random, list: ReadonlyArray<readonly [number, A]>): A => {
  let left = random() * list.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, thing] of list) {
    left -= weight
    if (left < 0) return thing
  }
  return (list.at(-1) as readonly [number, A])[1]
}

export const segments = [
  ...texts.map((text) => encodeURIComponent(text.toWellFormed())),
  "%00",
  "%ff",
  "%zz",
  "%2e%2e%2f",
  "a//b",
  ";x",
  "*"
]

const repeated = (count: number, part: (index: number) => string) =>
  Array.from({ length: count }, (_, at) => part(at)).join("; ")

/** Values of headers, right and wrong ones, that go with any request. */
export const headerValues: Readonly<Record<string, ReadonlyArray<string>>> = {
  "content-type": [
    "application/json",
    "application/json; charset=utf-16",
    'application/json; charset="utf-8"',
    "APPLICATION/JSON;;;=",
    "application/x-www-form-urlencoded",
    "text/plain",
    "multipart/form-data; boundary=x",
    marker,
    ""
  ],
  "content-encoding": ["gzip", "identity", "br, gzip"],
  "accept-encoding": ["gzip, br", "identity;q=0, *;q=0", "zstd"],
  "idempotency-key": ["k", "a".repeat(255), "a".repeat(256), "two words", "\u00e9", ""],
  "challenge-solution": ["e30=", "%%%", "bnVsbA==", "a".repeat(3_000), "eyJjaGFsbGVuZ2UiOnt9fQ==", ""],
  "if-none-match": ["*", '"x"', "W/", ",,,", `"${"x".repeat(4_000)}"`],
  "last-event-id": ["0", "-1", "12-9f86d081", "x".repeat(1000)],
  authorization: [
    "Bearer",
    "Bearer x.y.z",
    "Bearer eyJhbGciOiJub25lIn0.e30.",
    `Bearer ${Buffer.from('{"alg":"HS256","typ":"JWT","crit":["x"]}').toString("base64url")}.e30.AAAA`,
    "Basic eDp5",
    `bearer ${" ".repeat(2_000)}x`,
    `Bearer ${"a".repeat(3000)}`
  ],
  origin: ["http://localhost:3000", "null", "https://evil.example", "http://[::1", ""],
  "sec-fetch-site": ["same-origin", "cross-site", "none", "x"],
  "access-control-request-method": ["POST", "TRACE"],
  cookie: [
    "__Host-tallykeep_voter=x.y",
    "__Host-tallykeep_voter",
    "__Host-tallykeep_voter=..............",
    "=;;=",
    `a=${"b".repeat(8_000)}`,
    repeated(800, (at) => `__Host-tallykeep_voter=${at}.y`)
  ],
  "x-forwarded-proto": ["https", "http", ",,"],
  accept: ["text/html", "*/*;q=0", ""],
  range: ["bytes=0-1", "x"],
  traceparent: ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-0-0-0", "ff-x"],
  tracestate: ["a=b", ",".repeat(600)],
  upgrade: ["websocket", "h2c"],
  "x-http-method-override": ["DELETE"]
}

const hexGroup = (random: Random) => upTo(random, 65_536).toString(16)

/** Returns what our one proxy says of the client; undefined where the proxy itself is the client. */
export const forwardedFor = (random: Random): string | undefined =>
  weighted<() => string | undefined>(random, [
    [8, () => undefined],
    // A hall full of people behind one address.
    [20, () => "203.0.113.7"],
    [40, () => `10.${upTo(random, 256)}.${upTo(random, 256)}.${upTo(random, 256)}`],
    [15, () => `2001:db8:${hexGroup(random)}:${hexGroup(random)}::${hexGroup(random)}`],
    [5, () => `6.6.6.6, 198.51.100.${upTo(random, 256)}:4711`],
    [2, () => `::ffff:10.0.0.${upTo(random, 256)}`],
    [2, () => `[2001:db8::${hexGroup(random)}]:80`],
    [1, () => ":".repeat(1 + upTo(random, 5_000))],
    [1, () => ",".repeat(upTo(random, 5_000))],
    [1, () => "a".repeat(1 + upTo(random, 5_000))],
    [1, () => `${marker}${upTo(random, 1_000)}`]
  ])()
