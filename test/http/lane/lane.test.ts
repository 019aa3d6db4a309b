import { assert, describe, it, vi } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { ResponseOutlet } from "../../../src/http/results/Viewer.ts"
import { layerApi, request, type Sent, until } from "../../support/api.ts"
import { comparable } from "../../support/comparable.ts"
import { openEvents } from "../../support/events.ts"
import { fewAssets } from "../../support/fewAssets.ts"
import { layerOwnRegistry, parseMetrics } from "../../support/metrics.ts"
import { teaOrCoffeePoll } from "../../support/teaOrCoffee.ts"
import { secret, World } from "../../support/world.ts"

const json = { "content-type": "application/json" }
const cats = JSON.stringify({ option: "cats" })

/** Requests that the lane answers, and some that come close to it. */
const requests: ReadonlyArray<readonly [what: string, method: string, path: string, sent?: Sent]> = [
  ["a vote", "POST", "/api/vote", { headers: json, body: cats }],
  ["a vote by the short name", "POST", "/vote", { headers: json, body: cats }],
  ["a vote in a poll", "POST", "/api/polls/cats-or-dogs/votes", { headers: json, body: cats }],
  [
    "a vote from a listed page",
    "POST",
    "/api/vote",
    { headers: { ...json, origin: "http://localhost:3000" }, body: cats }
  ],
  [
    "a vote from another page",
    "POST",
    "/api/vote",
    { headers: { ...json, origin: "http://evil.example" }, body: cats }
  ],
  ["a vote with a key", "POST", "/api/vote", { headers: { ...json, "idempotency-key": "k1" }, body: cats }],
  ["a key again", "POST", "/api/vote", { headers: { ...json, "idempotency-key": "k1" }, body: cats }],
  [
    "a key with another vote",
    "POST",
    "/api/vote",
    { headers: { ...json, "idempotency-key": "k1" }, body: '{"option":"dogs"}' }
  ],
  ["a key that is none", "POST", "/api/vote", { headers: { ...json, "idempotency-key": "k 1" }, body: cats }],
  ["no JSON", "POST", "/api/vote", { headers: json, body: "{" }],
  ["no body", "POST", "/api/vote", { headers: json, body: "" }],
  ["no option", "POST", "/api/vote", { headers: json, body: "{}" }],
  ["another option, with HTML in it", "POST", "/vote?<b>", { headers: json, body: '{"option":"<b>"}' }],
  ["a field too many", "POST", "/api/vote", { headers: json, body: '{"option":"cats","a/b":1}' }],
  ["another type", "POST", "/api/vote", { headers: { "content-type": "text/plain" }, body: cats }],
  [
    "a type with a charset",
    "POST",
    "/api/vote",
    { headers: { "content-type": "application/json; charset=utf-8" }, body: cats }
  ],
  ["chunks", "POST", "/api/vote", { headers: { ...json, "transfer-encoding": "chunked" }, body: cats }],
  ["a body that is longer than any vote", "POST", "/api/vote", { headers: json, body: cats.padEnd(16_385) }],
  ["no such poll", "POST", "/api/polls/nowhere/votes", { headers: json, body: cats }],
  ["a path as long as a vote's", "POST", "/api/polls/cats-or-dogs/close", { headers: json, body: cats }],
  ["a path that ends as a vote's", "POST", "/app/polls/cats-or-dogs/votes", { headers: json, body: cats }],
  ["results", "GET", "/api/results"],
  ["results by the short name", "GET", "/results"],
  ["results of a poll", "GET", "/api/polls/cats-or-dogs/results"],
  ["results for a page", "GET", "/api/results", { headers: { origin: "http://localhost:3000" } }],
  ["results that are known", "GET", "/api/results", { headers: { "if-none-match": "*" } }],
  ["results with a query", "GET", "/api/results?x"],
  ["the head of results", "HEAD", "/api/results"],
  ["results of no poll", "GET", "/api/polls/nowhere/results"],
  ["a poll", "GET", "/api/polls/cats-or-dogs"],
  ["a poll for a page", "GET", "/api/polls/cats-or-dogs", { headers: { origin: "http://localhost:3000" } }],
  ["a poll that is known", "GET", "/api/polls/cats-or-dogs", { headers: { "if-none-match": '"0"' } }],
  ["a poll with a token", "GET", "/api/polls/cats-or-dogs", { headers: { authorization: "Bearer x" } }],
  ["the head of a poll", "HEAD", "/api/polls/cats-or-dogs"],
  ["no such poll to look at", "GET", "/api/polls/nowhere"],
  ["polls", "GET", "/api/polls"],
  ["polls for a page", "GET", "/api/polls", { headers: { origin: "http://localhost:3000" } }],
  ["polls that are known", "GET", "/api/polls", { headers: { "if-none-match": "*" } }],
  ["polls that may be known", "GET", "/api/polls", { headers: { "if-none-match": 'W/"x"' } }],
  ["a page of polls", "GET", "/api/polls?limit=1"],
  ["another method", "POST", "/api/results", { headers: json, body: cats }],
  ["the page", "GET", "/"],
  ["the page of a poll", "GET", "/polls/cats-or-dogs"],
  ["the page for another page", "GET", "/", { headers: { origin: "http://localhost:3000" } }],
  ["the page at a host that is none", "GET", "/", { headers: { host: "a b" } }],
  ["the page with a receipt", "GET", "/?vote_id=x"],
  ["the head of the page", "HEAD", "/"],
  ["the page of no poll", "GET", "/polls/nowhere"],
  ["a file in three encodings", "GET", "/assets/poll-1.js", { headers: { "accept-encoding": "gzip, br" } }],
  ["a file in two encodings", "GET", "/assets/page-1.css", { headers: { "accept-encoding": "gzip, br" } }],
  ["a file in one encoding", "GET", "/assets/icon-1.svg", { headers: { "accept-encoding": "gzip, br" } }],
  ["a file as it is", "GET", "/assets/poll-1.js", { headers: { "accept-encoding": "br;q=0" } }],
  ["a file that is known", "GET", "/assets/poll-1.js", { headers: { "if-none-match": "*" } }],
  ["a file that may be known", "GET", "/assets/poll-1.js", { headers: { "if-none-match": 'W/"x"' } }],
  ["a file for a page", "GET", "/assets/poll-1.js", { headers: { origin: "http://localhost:3000" } }],
  ["a file with a query", "GET", "/assets/poll-1.js?x"],
  ["the head of a file", "HEAD", "/assets/poll-1.js"],
  ["a file that is none", "GET", "/assets/poll-2.js"],
  ["a file beside the assets", "GET", "/assets/../assets.json"]
]

/** The answers to all of the requests, by the app alone or with the lane. */
const answers = (fastLane: boolean) =>
  Effect.gen(function* () {
    const seen = new Map<string, ReturnType<typeof comparable>>()
    const passed = Effect.map(request("GET", "/metrics"), ({ body }) =>
      parseMetrics(body).get("tallykeep_lane_passed_total")
    )
    const left: Array<string> = []
    let before = yield* passed
    for (const [what, method, path, sent] of requests) {
      // Read once, results are fresh: the lane answers from then on.
      if (method === "GET") {
        yield* request("GET", path.split("?")[0] ?? path, sent)
        before = yield* passed
      }
      seen.set(what, comparable(yield* request(method, path, sent)))
      const after = yield* passed
      if (after !== before) left.push(what)
      before = after
    }
    const { votes } = yield* World
    return { seen, left, votes: votes.map(({ choice, key, poll }) => ({ choice, key, poll })) }
  }).pipe(
    Effect.provide(
      Layer.unwrap(
        Effect.map(fewAssets, (folder) =>
          layerApi({ fastLane, production: true, rateLimit: { votes: 1_000, seconds: 100_000_000 } }, folder)
        )
      ).pipe(Layer.provideMerge(layerOwnRegistry))
    )
  )

describe("the fast lane", () => {
  it.live("answers as the app does, header by header, and appends the same votes", () =>
    Effect.gen(function* () {
      const app = yield* answers(false)
      const lane = yield* answers(true)
      for (const [what, answer] of lane.seen) assert.deepStrictEqual([what, answer], [what, app.seen.get(what)])
      assert.deepStrictEqual(lane.votes, app.votes)
      assert.deepStrictEqual(lane.left, [
        "a key that is none",
        "another option, with HTML in it",
        "another type",
        "chunks",
        "no such poll",
        "a path as long as a vote's",
        "a path that ends as a vote's",
        "results with a query",
        "the head of results",
        "results of no poll",
        "a poll with a token",
        "the head of a poll",
        "no such poll to look at",
        "a page of polls",
        "another method",
        "the page with a receipt",
        "the head of the page",
        "the page of no poll",
        "a file with a query",
        "the head of a file",
        "a file that is none",
        "a file beside the assets"
      ])
    })
  )

  it.live(
    "says 503 when the append fails, when the backlog is full, and to new keys when these are full, as the app does",
    () =>
      Effect.gen(function* () {
        const failing = (fastLane: boolean) =>
          Effect.gen(function* () {
            const world = yield* World
            world.redis = "away"
            const away = comparable(yield* request("POST", "/api/vote", { headers: json, body: cats }))
            world.redis = "up"
            world.full = true
            const full = comparable(yield* request("POST", "/api/vote", { headers: json, body: cats }))
            world.full = false
            const keyed = { headers: { ...json, "idempotency-key": "k1" }, body: cats }
            const first = comparable(yield* request("POST", "/api/vote", keyed))
            world.keysFull = true
            const again = comparable(yield* request("POST", "/api/vote", keyed))
            const other = { headers: { ...json, "idempotency-key": "k2" }, body: cats }
            const refused = comparable(yield* request("POST", "/api/vote", other))
            const bare = comparable(yield* request("POST", "/api/vote", { headers: json, body: cats }))
            return [away, full, first, again, refused, bare]
          }).pipe(Effect.provide(layerApi({ fastLane })))
        const lane = yield* failing(true)
        assert.deepStrictEqual(
          lane.map(({ status }) => status),
          [503, 503, 201, 201, 503, 201]
        )
        assert.deepStrictEqual(lane, yield* failing(false))
      })
  )

  it.live("sends what is not ASCII as the app does", () =>
    Effect.gen(function* () {
      const seen = (fastLane: boolean) =>
        Effect.gen(function* () {
          const world = yield* World
          world.polls = [{ ...teaOrCoffeePoll, slug: "cafe", title: "Café ☕?" }]
          const answers = []
          for (const path of ["/polls/cafe", "/api/polls/cafe"]) {
            // Read once, results are fresh.
            yield* request("GET", "/api/polls/cafe/results")
            yield* request("GET", path)
            answers.push(comparable(yield* request("GET", path)))
          }
          return answers
        }).pipe(
          Effect.provide(
            Layer.unwrap(Effect.map(fewAssets, (folder) => layerApi({ fastLane, production: true }, folder)))
          )
        )
      const lane = yield* seen(true)
      for (const { body } of lane) assert.include(body, "Café ☕?")
      assert.deepStrictEqual(lane, yield* seen(false))
    })
  )

  it.live("gives whoever reads a page the cookie that the votes to come are known by", () =>
    Effect.gen(function* () {
      const world = yield* World
      world.polls = [{ ...teaOrCoffeePoll, slug: "once", identity: "browser", ballot: "once" }]
      // Read once, results are fresh, and the lane sends the page.
      yield* request("GET", "/api/polls/once/results")
      for (const _ of [1, 2]) {
        const { headers, status } = yield* request("GET", "/polls/once")
        assert.strictEqual(status, 200)
        assert.match(String(headers["set-cookie"]), /tallykeep_voter=/)
      }
    }).pipe(
      Effect.provide(
        Layer.unwrap(
          Effect.map(fewAssets, (folder) =>
            layerApi({ voterSecrets: ["what-signs-the-voters-of-these-tests"] }, folder)
          )
        )
      )
    )
  )

  it.live("shows a poll as closed as soon as its time has come, though the poll is the same", () =>
    Effect.gen(function* () {
      const poll = { ...teaOrCoffeePoll, slug: "timed", closesMs: Date.now() + 3_600_000 }
      const world = yield* World
      world.polls = [poll]
      const status = Effect.map(request("GET", "/api/polls/timed"), ({ body }) => JSON.parse(body).status)
      assert.deepStrictEqual([yield* status, yield* status], ["open", "open"])
      poll.closesMs = Date.now() - 1
      assert.strictEqual(yield* status, "counting")
    }).pipe(Effect.provide(layerApi()))
  )

  it.live("fails where the app fails, and goes on with all else", () =>
    Effect.gen(function* () {
      const failing = (fastLane: boolean) =>
        Effect.gen(function* () {
          const world = yield* World
          const fault = () => {
            throw new Error(secret)
          }
          const faulty = { ...teaOrCoffeePoll, slug: "faulty" }
          world.polls = [
            Object.defineProperty({ ...faulty, slug: "no-rules" }, "rules", { get: fault }),
            Object.defineProperty({ ...faulty, slug: "no-title" }, "title", { get: fault })
          ]
          const seen = []
          for (const path of ["/api/polls/no-rules/votes", "/api/polls/no-title", "/polls/no-title"]) {
            yield* request("GET", path)
            yield* request("GET", `${path}/results`)
            const vote = { headers: json, body: '{"option":"tea"}' }
            seen.push(comparable(yield* request(path.endsWith("votes") ? "POST" : "GET", path, vote)))
          }
          seen.push(comparable(yield* request("POST", "/api/vote", { headers: json, body: cats })))
          return seen
        }).pipe(Effect.provide(layerApi({ fastLane }, new URL(import.meta.url))))
      const lane = yield* failing(true)
      assert.deepStrictEqual(
        lane.map(({ status }) => status),
        [500, 500, 500, 201]
      )
      assert.deepStrictEqual(lane, yield* failing(false))
    })
  )

  it.live("drops the connection of a stream that fails after its head was sent, and goes on with all else", () =>
    Effect.gen(function* () {
      yield* request("GET", "/api/results")
      const send = vi.spyOn(ResponseOutlet.prototype, "send").mockImplementation(() => {
        throw new Error(secret)
      })
      const failed = yield* request("GET", "/api/results/stream").pipe(
        Effect.exit,
        Effect.ensuring(Effect.sync(() => send.mockRestore()))
      )
      assert.include(String(failed), "socket hang up")
      assert.strictEqual((yield* request("GET", "/api/results")).status, 200)
    }).pipe(Effect.provide(layerApi()))
  )

  it.live("sends events as the app does", () =>
    Effect.gen(function* () {
      const seen = (fastLane: boolean) =>
        Effect.gen(function* () {
          yield* request("GET", "/api/results")
          const opened = []
          for (const sent of [{}, { origin: "http://localhost:3000" }, { "last-event-id": "x" }]) {
            for (const path of ["/api/results/stream", "/api/polls/cats-or-dogs/results/stream"]) {
              const { events, headers, status } = yield* openEvents(path, sent)
              yield* until(() => events.length === 1)
              const { date: _, ...rest } = headers
              opened.push({ status, rest, events: events.map(({ data, id }) => ({ data, id })) })
            }
          }
          const present = opened[0]?.events[0]?.id
          const known = yield* openEvents("/api/results/stream", { "last-event-id": `${present}` })
          yield* until(() => known.comments() === 1)
          return opened
        }).pipe(Effect.scoped, Effect.provide(layerApi({ fastLane, production: true })))
      const lane = yield* seen(true)
      assert.lengthOf(lane, 6)
      assert.deepStrictEqual(lane, yield* seen(false))
    })
  )

  it.live("sends the metrics as the app does", () =>
    Effect.gen(function* () {
      const seen = (fastLane: boolean) =>
        Effect.gen(function* () {
          const heads: Array<unknown> = []
          for (const path of ["/metrics", "/metrics?x", "/metrics"]) {
            for (const headers of [{}, { origin: "http://localhost:3000" }]) {
              const { body, ...answer } = comparable(yield* request("GET", path, { headers }))
              const { "content-length": length, ...rest } = answer.headers
              assert.strictEqual(Number(length), Buffer.byteLength(body))
              heads.push({ ...answer, headers: rest })
            }
          }
          heads.push((yield* request("HEAD", "/metrics")).status, (yield* request("POST", "/metrics")).status)
          const series = parseMetrics((yield* request("GET", "/metrics")).body)
          const passed = series.get("tallykeep_lane_passed_total")
          const answered = series.get('tallykeep_http_requests_total{route="/metrics",method="GET",status="200"}')
          return { heads, answered, passed }
        }).pipe(Effect.provide(layerApi({ fastLane, production: true }).pipe(Layer.provideMerge(layerOwnRegistry))))
      const lane = yield* seen(true)
      const app = yield* seen(false)
      assert.deepStrictEqual(lane.heads, app.heads)
      assert.deepStrictEqual([lane.answered, app.answered], [6, 6])
      // Those with a query, and the other methods.
      assert.strictEqual(lane.passed, 4)
    })
  )

  it.live("leaves a vote over the rate limit to the app, and counts it once", () =>
    Effect.gen(function* () {
      const statuses: Array<number> = []
      for (let index = 0; index < 4; index++) {
        const answer = yield* request("POST", "/api/vote", { headers: json, body: cats })
        statuses.push(answer.status)
        if (answer.status === 201) assert.match(String(answer.headers.ratelimit), new RegExp(`r=${2 - index};`))
      }
      assert.deepStrictEqual(statuses, [201, 201, 201, 429])
      const { votes } = yield* World
      yield* until(() => votes.length === 3)
    }).pipe(Effect.provide(layerApi({ rateLimit: { votes: 3, seconds: 3_600 } })))
  )
})
