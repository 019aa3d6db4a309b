import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import type { RateLimit } from "../../../src/http/HttpSettings.ts"
import { withRateLimit } from "../../../src/http/middleware/RateLimit.ts"
import { makeRateLimiter } from "../../../src/http/RateLimiter.ts"

/** The middleware around an app that always says 201; gives what it makes of a request of an address. */
const limited = ({
  rateLimit = { votes: 3, seconds: 60 },
  trustProxy = 0
}: {
  readonly rateLimit?: RateLimit | "off"
  readonly trustProxy?: number
} = {}) => {
  const limiter = rateLimit === "off" ? undefined : makeRateLimiter(rateLimit, trustProxy)
  const app = withRateLimit({ votes: limiter, reads: undefined, report: () => undefined })(
    Effect.succeed(HttpServerResponse.empty({ status: 201 }))
  )
  return (address: string | undefined, method = "POST", forwarded?: string) =>
    app.pipe(
      Effect.provideService(
        HttpServerRequest.HttpServerRequest,
        HttpServerRequest.fromWeb(
          new Request("http://localhost/api/vote", {
            method,
            headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded }
          })
        ).modify({ remoteAddress: Option.fromUndefinedOr(address) })
      ),
      Effect.scoped
    )
}

setFlagsFromString("--expose-gc")
const collectGarbage: () => void = runInNewContext("gc")

/** In bytes, without garbage. */
const heapUsed = (): number => {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

const statuses = (responses: ReadonlyArray<HttpServerResponse.HttpServerResponse>) =>
  responses.map(({ status }) => status)

describe("withRateLimit", () => {
  it("lets as many through as it says, whatever rounding makes of the time between them", () => {
    for (let votes = 1; votes <= 30; votes++) {
      const limiter = makeRateLimiter({ votes, seconds: 1 }, 0)
      const asked = Array.from({ length: votes + 1 }, () => limiter("192.0.2.1", undefined, 1_234_567).refusal)
      assert.strictEqual(asked.indexOf(asked.find((refusal) => refusal !== undefined)), votes)
    }
  })

  it.effect("counts an address's votes down, and refuses those over the limit", () =>
    Effect.gen(function* () {
      const cast = limited()
      const policy = '"votes";q=3;w=60'
      for (const [remaining, whole] of [
        [2, 20],
        [1, 40],
        [0, 60]
      ]) {
        const { headers, status } = yield* cast("192.0.2.1")
        assert.strictEqual(status, 201)
        assert.deepInclude(headers, { "ratelimit-policy": policy, ratelimit: `"votes";r=${remaining};t=${whole}` })
        assert.isUndefined(headers["retry-after"])
      }
      const { headers, status } = yield* cast("192.0.2.1")
      assert.strictEqual(status, 429)
      assert.deepInclude(headers, {
        "retry-after": "20",
        "ratelimit-policy": policy,
        ratelimit: '"votes";r=0;t=20'
      })
    })
  )

  it.effect("lets an address vote again after the time that it was told", () =>
    Effect.gen(function* () {
      const cast = limited()
      for (let votes = 0; votes < 3; votes++) yield* cast("192.0.2.1")
      yield* TestClock.adjust("19999 millis")
      assert.strictEqual((yield* cast("192.0.2.1")).headers["retry-after"], "1")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* cast("192.0.2.1")).status, 201)
      assert.strictEqual((yield* cast("192.0.2.1")).status, 429)
      yield* TestClock.adjust("60 seconds")
      const again = [yield* cast("192.0.2.1"), yield* cast("192.0.2.1"), yield* cast("192.0.2.1")]
      assert.deepStrictEqual(statuses(again), [201, 201, 201])
    })
  )

  it.effect("never lets more than the limit and what has grown back through, whenever it is asked", () =>
    Effect.gen(function* () {
      const cast = limited({ rateLimit: { votes: 7, seconds: 1 } })
      let accepted = 0
      for (let ms = 0; ms < 10_000; ms += 50) {
        if ((yield* cast("192.0.2.1")).status === 201) accepted++
        yield* TestClock.adjust(50)
      }
      assert.strictEqual(accepted, 7 + Math.floor((9_950 * 7) / 1_000))
    })
  )

  it.effect("keeps addresses apart, and those of one IPv6 /64 together", () =>
    Effect.gen(function* () {
      const cast = limited({ rateLimit: { votes: 1, seconds: 60 } })
      const addresses = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1", undefined]
      const responses = yield* Effect.forEach(addresses, (address) => cast(address))
      assert.deepStrictEqual(statuses(responses), [201, 201, 201, 429, 201, 201])
      assert.strictEqual((yield* cast(undefined)).status, 429)
    })
  )

  it.effect("does not believe X-Forwarded-For without proxies of ours", () =>
    Effect.gen(function* () {
      const cast = limited({ rateLimit: { votes: 1, seconds: 60 } })
      const responses = [yield* cast("192.0.2.1", "POST", "1.1.1.1"), yield* cast("192.0.2.1", "POST", "2.2.2.2")]
      assert.deepStrictEqual(statuses(responses), [201, 429])
    })
  )

  it.effect("takes the address that the proxy of ours saw", () =>
    Effect.gen(function* () {
      const cast = limited({ rateLimit: { votes: 1, seconds: 60 }, trustProxy: 1 })
      const responses = yield* Effect.forEach(
        ["203.0.113.1", "203.0.113.2", "made-up, 203.0.113.2", "203.0.113.3, 203.0.113.1"],
        (forwarded) => cast("10.0.0.1", "POST", forwarded)
      )
      assert.deepStrictEqual(statuses(responses), [201, 201, 429, 429])
    })
  )

  it.effect("does not limit what is no vote, nor anything where it is off", () =>
    Effect.gen(function* () {
      const cast = limited({ rateLimit: { votes: 1, seconds: 60 } })
      for (let reads = 0; reads < 5; reads++) {
        const { headers, status } = yield* cast("192.0.2.1", "GET")
        assert.strictEqual(status, 201)
        assert.isUndefined(headers.ratelimit)
      }
      const off = limited({ rateLimit: "off" })
      for (let votes = 0; votes < 5; votes++) assert.strictEqual((yield* off("192.0.2.1")).status, 201)
    })
  )

  it.effect("limits reads by themselves, whoever tells it of them only where it refuses", () =>
    Effect.gen(function* () {
      const reported: Array<string> = []
      const reads = makeRateLimiter({ votes: 2, seconds: 60 }, 0, "reads")
      const app = withRateLimit({ votes: undefined, reads, report: (what) => void reported.push(what) })(
        Effect.succeed(HttpServerResponse.empty({ status: 200 }))
      )
      const ask = (path: string, method = "GET") =>
        app.pipe(
          Effect.provideService(
            HttpServerRequest.HttpServerRequest,
            HttpServerRequest.fromWeb(new Request(`http://localhost${path}`, { method })).modify({ url: path })
          ),
          Effect.scoped
        )
      for (const path of ["/results", "/api/polls?x"]) {
        const { headers, status } = yield* ask(path)
        assert.strictEqual(status, 200)
        assert.isUndefined(headers.ratelimit)
      }
      const { headers, status } = yield* ask("/results", "HEAD")
      assert.strictEqual(status, 429)
      // What of a log is not limited is known by its path, not by what a client writes behind one.
      assert.strictEqual((yield* ask("/results?/api/polls/a/log/tile/0/000")).status, 429)
      assert.strictEqual((yield* ask("/api/polls/a/log/tile/0/000")).status, 200)
      assert.deepInclude(headers, { "retry-after": "30", ratelimit: '"reads";r=0;t=30' })
      for (const path of ["/health", "/ready", "/metrics?x"]) assert.strictEqual((yield* ask(path)).status, 200)
      for (const method of ["POST", "OPTIONS"]) assert.strictEqual((yield* ask("/results", method)).status, 200)
      assert.deepStrictEqual(reported, ["reads", "reads"])
    })
  )
})

describe("makeRateLimiter", () => {
  const hour = { votes: 1, seconds: 3_600 }

  it.each([
    ["two windows without a vote", [7_200_000]],
    ["two windows with hardly any", [3_600_000, 7_200_000]]
  ] as const)("forgets idle addresses after %s", (_, times) => {
    const limiter = makeRateLimiter(hour, 0)
    const before = heapUsed()
    for (let index = 0; index < 90_000; index++) limiter(`2001:db8:${index.toString(16)}::1`, undefined, 1)
    assert.isAbove(heapUsed() - before, 4_000_000)
    for (const time of times) limiter("192.0.2.1", undefined, 1 + time)
    assert.isBelow(heapUsed() - before, 2_000_000)
  })

  it("knows 100,000 addresses, and forgets the oldest first", () => {
    const limiter = makeRateLimiter(hour, 0)
    const isKnown = (index: number) => limiter(`a${index}`, undefined, 1, "look").refusal !== undefined
    for (let index = 0; index < 250_000; index++) limiter(`a${index}`, undefined, 1)
    let known = 0
    for (let index = 0; index < 250_000; index++) if (isKnown(index)) known++
    assert.strictEqual(known, 100_000)
    assert.isTrue(isKnown(249_999) && isKnown(150_000))
    assert.isFalse(isKnown(149_999) || isKnown(0))
  })

  it("holds little of what a proxy writes, and still tells one client from another", () => {
    const limiter = makeRateLimiter(hour, 1)
    const before = heapUsed()
    const header = (index: number, length: number) => `${"x, ".repeat(2_000)}${`${index}`.padEnd(length, "y")}`
    for (const length of [20, 7_000]) {
      for (let index = 0; index < 5_000; index++) {
        assert.isUndefined(limiter("10.0.0.1", header(index, length), 1).refusal)
        assert.isDefined(limiter("10.0.0.1", header(index, length), 1).refusal)
      }
    }
    assert.isBelow(heapUsed() - before, 3_000_000)
  })
})
