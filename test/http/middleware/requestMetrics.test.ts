import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { makeRecord } from "../../../src/http/middleware/RequestMetrics.ts"
import { makeMetricsText } from "../../../src/http/operations/MetricsText.ts"
import { makeMeter } from "../../../src/Meter.ts"
import { layerApi, request } from "../../support/api.ts"
import { layerOwnRegistry, parseMetrics } from "../../support/metrics.ts"

const vote = {
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ option: "cats" })
}

/** With a registry of its own: what other tests do is not counted. */
const alone = () => layerApi().pipe(Layer.provideMerge(layerOwnRegistry))

const metrics = Effect.map(request("GET", "/metrics"), ({ body }) => parseMetrics(body))

const requests = (labels: string) => `tallykeep_http_requests_total{${labels}}`

describe("metrics of requests", () => {
  it.live("count them by route, method and status, and tell how long they took", () =>
    Effect.gen(function* () {
      yield* request("POST", "/api/vote", vote)
      yield* request("POST", "/api/vote?again", vote)
      yield* request("POST", "/vote", { ...vote, body: "{}" })
      yield* request("GET", "/api/polls/nowhere?x=1")
      yield* request("GET", "/polls/nowhere/at/all")
      const seen = yield* metrics
      assert.strictEqual(seen.get(requests('route="/api/vote",method="POST",status="201"')), 2)
      assert.strictEqual(seen.get(requests('route="/vote",method="POST",status="422"')), 1)
      assert.strictEqual(seen.get(requests('route="/api/polls/:slug",method="GET",status="404"')), 1)
      assert.strictEqual(seen.get(requests('route="other",method="GET",status="404"')), 1)
      const took = "tallykeep_http_request_duration_seconds"
      assert.strictEqual(seen.get(`${took}_count{route="/api/vote"}`), 2)
      assert.strictEqual(seen.get(`${took}_bucket{route="/api/vote",le="+Inf"}`), 2)
      assert.isAbove(seen.get(`${took}_sum{route="/api/vote"}`) ?? 0, 0)
    }).pipe(Effect.provide(alone()))
  )

  it.effect("keep apart what differs from the one before in one thing alone, and are in seconds", () =>
    Effect.gen(function* () {
      const record = makeRecord(yield* makeMeter)
      const minuteAgo = performance.now() - 60_000
      const answers = [
        ["/a", "GET", 200],
        ["/a", "GET", 304],
        ["/a", "HEAD", 304],
        ["/b", "HEAD", 304]
      ] as const
      for (const [route, method, status] of answers) record(route, method, status, minuteAgo)
      const seen = parseMetrics((yield* makeMetricsText)().toString())
      for (const [route, method, status] of answers)
        assert.strictEqual(seen.get(requests(`route="${route}",method="${method}",status="${status}"`)), 1)
      const took = seen.get('tallykeep_http_request_duration_seconds_sum{route="/b"}') ?? 0
      assert.isTrue(took >= 60 && took < 6_000, `${took} s`)
    }).pipe(Effect.provide(layerOwnRegistry))
  )

  it.live("show from the start that no vote was taken, and none refused", () =>
    Effect.gen(function* () {
      const seen = yield* metrics
      for (const status of ["201", "500", "503"])
        assert.strictEqual(seen.get(requests(`route="/api/vote",method="POST",status="${status}"`)), 0)
    }).pipe(Effect.provide(alone()))
  )

  it.live("make no series of what a client invents", () =>
    Effect.gen(function* () {
      for (const method of ["PROPFIND", "PURGE", "MKCOL"]) yield* request(method, `/${method}`)
      const seen = [...(yield* metrics)].filter(([name]) => name.startsWith("tallykeep_http_requests_total"))
      assert.deepStrictEqual(
        seen.filter(([, count]) => count > 0),
        [[requests('route="other",method="other",status="404"'), 3]]
      )
      // With those of votes: each has two for what may go wrong.
      assert.lengthOf(seen, 6)
    }).pipe(Effect.provide(alone()))
  )
})
