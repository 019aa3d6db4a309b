import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import type { RateLimit } from "../../../src/http/HttpSettings.ts"
import { makeRateLimiter, withRateLimit } from "../../../src/http/middleware/RateLimit.ts"

/** The middleware around an app that always says 201; gives what it makes of a request of an address. */
const limited = ({
  rateLimit = { votes: 3, seconds: 60 },
  trustProxy = 0
}: {
  readonly rateLimit?: RateLimit | "off"
  readonly trustProxy?: number
} = {}) => {
  const limiter = rateLimit === "off" ? undefined : makeRateLimiter(rateLimit, trustProxy)
  const app = withRateLimit(limiter)(Effect.succeed(HttpServerResponse.empty({ status: 201 })))
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

  it.effect.each([
    ["two windows without a vote", ["120 seconds"]],
    ["two windows with hardly any", ["60 seconds", "60 seconds"]]
  ] as const)("forgets idle addresses after %s", ([, pauses]) =>
    Effect.gen(function* () {
      const cast = limited()
      const before = heapUsed()
      // Long, so that what is kept of them shows.
      for (let index = 0; index < 300; index++) yield* cast(`${index}`.padEnd(100_000, "x"))
      assert.isAbove(heapUsed() - before, 20_000_000)
      for (const pause of pauses) {
        yield* TestClock.adjust(pause)
        yield* cast("192.0.2.1")
      }
      assert.isBelow(heapUsed() - before, 10_000_000)
    })
  )
})
