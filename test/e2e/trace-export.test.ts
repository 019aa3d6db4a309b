import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { scrape } from "../support/metrics.ts"
import { startApi } from "../support/processes.ts"
import { vote } from "./call.ts"
import { makeSite, patiently, untilReady } from "./site.ts"

/** A collector that answers every request with a status. */
const collectorThatSays = (status: number) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; status: number; readonly close: () => void }>((resume) => {
      const state = { status }
      const server = createServer((request, response) => {
        request.resume().on("end", () => response.writeHead(state.status).end("{}"))
      })
      server.listen(0, "127.0.0.1", () => {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
        const close = () => {
          server.close()
          server.closeAllConnections()
        }
        resume(Effect.succeed(Object.assign(state, { url, close })))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

/** A collector that takes every request and answers none. */
const silentCollector = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly requests: () => number; readonly close: () => void }>((resume) => {
    let requests = 0
    const server = createServer((request) => {
      requests++
      request.resume()
    })
    server.listen(0, "127.0.0.1", () => {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const close = () => {
        server.close()
        server.closeAllConnections()
      }
      resume(Effect.succeed({ url, requests: () => requests, close }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

const failures = (url: string) =>
  Effect.map(scrape(url), (metrics) => metrics.get("tallykeep_trace_export_failures_total") ?? -1)

const started = Effect.fnUntraced(function* (collector: string, more: Readonly<Record<string, string>> = {}) {
  const site = yield* makeSite()
  const env = { ...site.env, OTEL_EXPORTER_OTLP_ENDPOINT: collector, OTEL_BSP_SCHEDULE_DELAY: "50", ...more }
  const api = yield* startApi("api", { env })
  yield* untilReady(api.url)
  return api
})

describe("traces that can't be exported", () => {
  it.live.each([
    { kind: "there is no collector", status: undefined, says: /Traces can't be exported.*ECONNREFUSED/ },
    { kind: "it refuses them", status: 401, says: /Traces can't be exported.*answers 401/ },
    { kind: "it is in trouble", status: 503, says: /Traces can't be exported.*answers 503/ }
  ])("are counted, and told in one line a minute at most, where $kind", ({ says, status }) =>
    Effect.gen(function* () {
      const gone = Effect.scoped(collectorThatSays(200))
      const { url } = yield* status === undefined ? gone : collectorThatSays(status)
      const api = yield* started(url)
      for (let votes = 0; votes < 10; votes++) assert.strictEqual((yield* vote(api.url, "cats")).status, 201)
      yield* api.says(says)
      yield* patiently(Effect.map(failures(api.url), (count) => assert.isAtLeast(count, 1)))
      yield* Effect.sleep("1500 millis")
      assert.lengthOf(api.stdout().match(/Traces can't be exported/g) ?? [], 1)
    }).pipe(Effect.scoped)
  )

  it.live("are none, and counted from 0, where the collector takes them", () =>
    Effect.gen(function* () {
      const api = yield* started((yield* collectorThatSays(200)).url)
      yield* vote(api.url, "cats")
      yield* Effect.sleep("500 millis")
      assert.strictEqual(yield* failures(api.url), 0)
      assert.notMatch(api.stdout(), /Traces/)
    }).pipe(Effect.scoped)
  )

  it.live("to a collector that never answers hold up neither votes nor the end, and few are under way", () =>
    Effect.gen(function* () {
      const collector = yield* silentCollector
      const more = { SHUTDOWN_TIMEOUT: "10s", OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "5" }
      const api = yield* started(collector.url, more)
      for (let votes = 0; votes < 200; votes++) assert.strictEqual((yield* vote(api.url, "cats")).status, 201)
      yield* patiently(Effect.map(failures(api.url), (count) => assert.isAtLeast(count, 1)))
      assert.isAtLeast(collector.requests(), 1)
      assert.isAtMost(collector.requests(), 32)
      assert.strictEqual((yield* vote(api.url, "cats")).status, 201)
      api.signal("SIGTERM")
      assert.deepStrictEqual(yield* api.ended, { code: 0, signal: null })
    }).pipe(Effect.scoped)
  )
})
