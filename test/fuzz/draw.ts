import { makeRandom, type Random } from "../chaos/random.ts"
import { hugeBody, oddBody } from "./bodies.ts"
import { describedRequest } from "./described.ts"
import { type Exchange, encode, type Request } from "./exchange.ts"
import { oddBytes } from "./framing.ts"
import { formVote, operations, read, strangePath, vote } from "./sound.ts"
import { forwardedFor, headerValues, pick, upTo, weighted } from "./values.ts"
import type { World } from "./world.ts"

/** In ms. */
const shortPause = 30
/** Longer than the server waits for the rest of a request (NodeServer.ts). */
const patience = 25_000

type Make = (random: Random, world: World) => Request

const sources: ReadonlyArray<readonly [number, readonly [string, Make]]> = [
  [30, ["described", describedRequest]],
  [22, ["vote", vote]],
  [10, ["form", formVote]],
  [16, ["read", read]],
  [5, ["strange path", strangePath]],
  [8, ["odd body", oddBody]]
]

/** Puts a client's address to a request, and now and then headers that nobody needs. */
const dressed = (random: Random, request: Request, oddness: number): Request => {
  const headers: Record<string, string> = { ...request.headers }
  const address = forwardedFor(random)
  if (address !== undefined) headers["x-forwarded-for"] = address
  for (const [name, list] of Object.entries(headerValues)) if (random() < oddness) headers[name] = pick(random, list)
  return { ...request, headers }
}

const source = (random: Random, world: World, oddness = 0.01): readonly [string, Request] => {
  const [kind, make] = weighted(random, sources)
  return [kind, dressed(random, make(random, world), oddness)]
}

const sound = (kind: string, request: Request, random: Random, to: Exchange["to"] = "api"): Exchange => ({
  kind,
  to,
  methods: [request.method],
  pieces: [Buffer.concat(encode(request, random))],
  expects: "answers"
})

/**
 * In characters. A head of 16 KiB is too long, and in the middle of another answer only closing the connection says so; a body
 * that nobody reads ends its connection, too.
 */
const shortHead = 12_000
const shortBody = 50_000

/** Several requests in one write. */
const pipelined = (random: Random, world: World): Exchange => {
  const requests = Array.from({ length: 2 + upTo(random, 9) }, () => source(random, world)[1]).filter(
    ({ body = "", headers, path }) =>
      path.length + JSON.stringify(headers).length < shortHead && body.length < shortBody
  )
  return {
    kind: "pipelined",
    to: "api",
    methods: requests.map(({ method }) => method),
    pieces: [Buffer.concat(requests.flatMap((request) => encode(request, random)))],
    expects: "answers"
  }
}

/** A request in bits, with pauses. */
const inBits = (random: Random, world: World): Exchange => {
  const [, request] = source(random, world)
  const bytes = Buffer.concat(encode(request, random))
  const cuts = Array.from({ length: 1 + upTo(random, 4) }, () => upTo(random, bytes.length)).sort((a, b) => a - b)
  const pieces = [0, ...cuts].flatMap((from, at) => [
    bytes.subarray(from, cuts[at] ?? bytes.length),
    upTo(random, shortPause)
  ])
  return { kind: "in bits", to: "api", methods: [request.method], pieces, expects: "answers" }
}

/** A request whose client waits to be asked for the body, or does not wait long enough. */
const expecting = (random: Random, world: World): Exchange => {
  const request = dressed(random, pick(random, [vote, formVote, oddBody])(random, world), 0)
  const [head, body] = encode({ ...request, headers: { ...request.headers, expect: "100-continue" } }, random)
  // Refused without it, the answer is the connection's last, and the body may meet its end.
  return { kind: "expecting", to: "api", methods: [request.method], pieces: [head, shortPause, body], expects: "end" }
}

/** A client that is gone before its answer, perhaps in the middle of its request. */
const cutOff = (random: Random, world: World): Exchange => {
  const [, request] = source(random, world)
  const bytes = Buffer.concat(encode(request, random))
  const sent = random() < 0.5 ? bytes : bytes.subarray(0, 1 + upTo(random, bytes.length))
  const pieces = [sent, upTo(random, shortPause)]
  return { kind: "cut off", to: "api", methods: [request.method], pieces, expects: "nothing" }
}

/** A viewer of live results, who may be deaf. */
const viewer = (random: Random, world: World): Exchange => {
  const path = pick(random, ["/api/results/stream", `/api/polls/${pick(random, world.polls).slug}/results/stream`])
  const request = dressed(random, { method: "GET", path, headers: { accept: "text/event-stream" } }, 0.02)
  const pieces = [Buffer.concat(encode(request, random)), 100 + upTo(random, 8_000)]
  const deaf = random() < 0.4
  return { kind: "viewer", to: "api", methods: ["GET"], pieces, expects: "nothing", deaf, long: true }
}

const odd = (random: Random): Exchange => {
  const { bytes, requests, unfinished } = oddBytes(random)
  const methods = Array.from({ length: requests }, () => "GET")
  const common = { kind: "odd bytes", to: random() < 0.95 ? "api" : "management", methods } as const
  if (!unfinished) return { ...common, pieces: [bytes], expects: "end" }
  // Now and then the server itself has to end it.
  return random() < 0.03
    ? { ...common, kind: "half sent", pieces: [bytes], expects: "end", long: true }
    : { ...common, pieces: [bytes, upTo(random, shortPause)], expects: "nothing" }
}

/** A body of which the last byte does not come for long. */
const heldBody = (random: Random, world: World): Exchange => {
  const request = dressed(random, oddBody(random, world), 0)
  const bytes = Buffer.concat(encode({ ...request, body: "[".repeat(1 + upTo(random, 2 ** 20)) }, random))
  const pieces = [bytes.subarray(0, -1), 500 + upTo(random, 4_000)]
  return { kind: "held body", to: "api", methods: [request.method], pieces, expects: "nothing", long: true }
}

/** More from one address than it may, all at once. */
const flood = (random: Random): Exchange => {
  const headers = { "x-forwarded-for": "192.0.2.1" }
  const request: Request = pick(random, [
    { method: "GET", path: "/api/results", headers },
    {
      method: "POST",
      path: "/api/vote",
      headers: { ...headers, "content-type": "application/json" },
      body: '{"option":"cats"}'
    }
  ])
  return { ...repeated("flood", request, 60, random), copies: 60 }
}

/** More on one connection than it may without waiting for answers. */
const crowd = (random: Random, world: World): Exchange =>
  repeated(
    "crowd",
    dressed(random, pick(random, [describedRequest, vote, formVote, read])(random, world), 0),
    100 + upTo(random, 900),
    random
  )

const repeated = (kind: string, request: Request, times: number, random: Random): Exchange => {
  const one = Buffer.concat(encode(request, random))
  const methods = Array.from({ length: times }, () => request.method)
  return { kind, to: "api", methods, pieces: [Buffer.concat(methods.map(() => one))], expects: "answers" }
}

const plans: ReadonlyArray<readonly [number, (random: Random, world: World) => Exchange]> = [
  [78, (random, world) => sound(...source(random, world), random)],
  [4, (random, world) => sound("odd headers", source(random, world, 0.15)[1], random)],
  [6, odd],
  [2, pipelined],
  [3, inBits],
  [1.5, expecting],
  [2, cutOff],
  [1, (random) => sound("management", operations(random), random, "management")],
  [1.5, viewer],
  [0.5, (random, world) => ({ ...sound("huge body", hugeBody(random, world), random), expects: "end" })],
  [0.2, heldBody],
  [0.1, crowd],
  [0.02, flood]
]

/** More changes of one vote than a voter may make in a minute. */
const changes = (random: Random, { polls }: World): Exchange => {
  const [poll] = polls.filter(({ slug }) => slug === "browser-changeable-live")
  const headers = { cookie: `${poll?.voters[0]}`, "content-type": "application/json" }
  const path = `/api/polls/${poll?.slug}/votes`
  return repeated("changes", { method: "POST", path, headers, body: '{"option":"a"}' }, 100, random)
}

/** The number of an exchange that meets a bound whatever the speed, so that a short run does, too. */
const bounded = 1_000

/** Draws the exchange of a number: the same for the same seed and world, whatever came before it. */
export const draw = (seed: number, number: number, world: World): Exchange => {
  const random = makeRandom(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b))
  return number === bounded ? changes(random, world) : weighted(random, plans)(random, world)
}

/** How long an exchange may wait for what it expects, in ms. */
export const patienceOf = ({ expects }: Exchange): number => (expects === "nothing" ? 0 : patience)
