import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startCollector } from "../support/collector.ts"
import { getText, scrape } from "../support/metrics.ts"
import { type Program, startApi, startConsumer } from "../support/processes.ts"
import { vote } from "./call.ts"
import { makeSite, patiently, untilReady } from "./site.ts"

/** Where a program with `MANAGEMENT_PORT=0` has put its health and metrics. */
const managementOf = (program: Program) =>
  Effect.map(program.says(/Health and metrics at (http:\/\/[^\s"]+)/), ([, url = ""]) => url)

const managed = { MANAGEMENT_PORT: "0" }

describe("the management port", () => {
  it.live("has health and metrics of both roles, which then are not on the public port", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const env = { ...site.env, ...managed }
      const api = yield* startApi("api", { env })
      const consumer = yield* startConsumer({ env })
      const [apiUrl, consumerUrl] = [yield* managementOf(api), yield* managementOf(consumer)]
      yield* untilReady(apiUrl)
      yield* untilReady(consumerUrl)
      for (const path of ["/health", "/ready", "/metrics"]) {
        assert.strictEqual((yield* getText(`${api.url}${path}`)).status, 404)
      }
      assert.strictEqual((yield* getText(`${apiUrl}/api/results`)).status, 404)

      for (const option of ["cats", "dogs", "cats", "birds"]) yield* vote(api.url, option)
      const poll = 'poll="cats-or-dogs"'
      const counted = yield* patiently(
        Effect.gen(function* () {
          const metrics = yield* scrape(consumerUrl)
          assert.strictEqual(metrics.get(`tallykeep_votes_counted_total{${poll}}`), 3)
          assert.strictEqual(metrics.get(`tallykeep_stream_length{stream="${site.stream}"}`), 3)
          assert.strictEqual(metrics.get('tallykeep_redis_durability{durability="fsync"}'), 1)
          return metrics
        })
      )
      assert.strictEqual(counted.get("tallykeep_vote_age_seconds_count"), 3)
      assert.strictEqual(counted.get('tallykeep_server_up{server="database"}'), 1)
      const accepted = yield* scrape(apiUrl)
      assert.strictEqual(accepted.get(`tallykeep_votes_accepted_total{${poll}}`), 3)
      const answered = (status: number) =>
        accepted.get(`tallykeep_http_requests_total{route="/api/vote",method="POST",status="${status}"}`)
      assert.deepStrictEqual([answered(201), answered(422)], [3, 1])

      for (const program of [api, consumer]) {
        program.signal("SIGTERM")
        assert.deepStrictEqual(yield* program.ended, { code: 0, signal: null })
      }
    })
  )
})

describe("traces", () => {
  it.live("show the request, the append, the batch and the commit of a vote", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const collector = yield* startCollector
      const env = {
        ...site.env,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_BSP_SCHEDULE_DELAY: "100"
      }
      const api = yield* startApi("api", { env })
      yield* startConsumer({ env })
      yield* untilReady(api.url)
      const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"
      const parent = "00f067aa0ba902b7"
      const { body } = yield* vote(api.url, "cats", { traceparent: `00-${traceId}-${parent}-01` })
      // A trace that its beginner does not record is none of ours to record.
      yield* vote(api.url, "cats", { traceparent: `00-11f92f3577b34da6a3ce929d0e0e4736-${parent}-00` })

      const named = (name: string, within: (span: (typeof collector.spans)[number]) => boolean) => {
        const found = collector.spans.filter((span) => span.name === name && within(span))
        assert.strictEqual(found.length, 1, `one ${name}`)
        return found[0] as (typeof collector.spans)[number]
      }
      yield* patiently(
        Effect.sync(() => {
          const request = named("POST /api/vote", (span) => span.traceId === traceId)
          assert.strictEqual(request.parentSpanId, parent)
          const append = named("append vote", (span) => span.traceId === traceId)
          assert.strictEqual(append.parentSpanId, request.spanId)
          assert.deepInclude(append.attributes, { key: "vote_id", value: { stringValue: body.vote_id } })
          const batch = named("count batch", ({ links }) => links.some((link) => link.traceId === traceId))
          assert.deepInclude(batch.links, { ...batch.links[0], traceId, spanId: append.spanId })
          assert.notStrictEqual(batch.traceId, traceId)
          assert.isUndefined(batch.parentSpanId)
          const commit = named("Ledger.count", (span) => span.traceId === batch.traceId)
          assert.strictEqual(commit.parentSpanId, batch.spanId)
        })
      )
      assert.deepStrictEqual([...collector.roles].toSorted(), ["api", "consumer"])
      assert.isFalse(collector.spans.some((span) => span.traceId.startsWith("11f9")))
      // Who voted must not stand beside the vote's id.
      const told = JSON.stringify(collector.spans)
      assert.notInclude(told, "client.address")
    })
  )
})
