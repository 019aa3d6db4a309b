import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { attributesOf, startCollector } from "../support/collector.ts"
import { getText, scrape } from "../support/metrics.ts"
import { type Program, startApi, startConsumer } from "../support/processes.ts"
import { vote } from "./call.ts"
import { makeSite, patiently, untilReady } from "./site.ts"

/** Returns where a program with `MANAGEMENT_PORT=0` has its health and metrics. */
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
      for (const url of [apiUrl, consumerUrl]) {
        // With a query it goes past the lane.
        const heads = yield* Effect.forEach(["/metrics", "/metrics?x"], (path) =>
          Effect.promise(async () => {
            const response = await fetch(`${url}${path}`)
            assert.include(await response.text(), "process_cpu_seconds_total ")
            return [...response.headers].filter(([name]) => name !== "date" && name !== "content-length")
          })
        )
        assert.deepStrictEqual(Object.fromEntries(heads[0] ?? []), Object.fromEntries(heads[1] ?? []))
      }

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

describe("logs in production", () => {
  it.live("are JSON, name the votes that need a look, and tell no secret and no voter", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const secrets = { ADMIN_TOKEN: "an-admins-token-of-its-own", VOTER_SECRET: "0123456789-voters-secret-0123456789" }
      const env = { ...site.env, ...secrets, ENVIRONMENT: "production", LOG_LEVEL: "DEBUG", SHUTDOWN_DELAY: "0s" }
      const api = yield* startApi("api", { env })
      const consumer = yield* startConsumer({ env })
      yield* untilReady(api.url)
      for (let index = 0; index < 20; index++) yield* vote(api.url, "cats", { cookie: "someone=known" })
      const voter = "aGlkZGVuLXZvdGVy"
      const voteId = "019845e1-682f-7b02-a706-3b2422d13aec"
      const fields = ["v", "1", "vote_id", voteId, "poll", "cats-or-dogs", "option", "birds", "voter", voter]
      yield* Effect.promise(() => site.redis.xadd(site.stream, "*", ...fields, "cast_at", "5"))
      yield* consumer.says(/is a dead letter/)
      yield* consumer.says(/Counted/)
      for (const program of [api, consumer]) {
        program.signal("SIGTERM")
        yield* program.ended
      }

      const lines = `${api.stdout()}${consumer.stdout()}`.trim().split("\n")
      const logged = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
      for (const line of logged) {
        assert.match(String(line.timestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
        assert.include(["DEBUG", "INFO", "WARN", "ERROR"], line.level)
        assert.isString(line.message)
      }
      const dead = logged.find(({ message }) => String(message).includes("dead letter"))
      assert.deepInclude(dead, { level: "WARN", vote_id: voteId, poll: "cats-or-dogs" })
      const batches = logged.filter(({ message }) => String(message).startsWith("Counted"))
      assert.isAtLeast(batches.length, 1)
      const told = lines.join("\n")
      const password = new URL(site.env.DATABASE_URL).password
      const unsaid = [...Object.values(secrets), voter, "someone", ...(password === "" ? [] : [password])]
      for (const word of unsaid) assert.notInclude(told, word)
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
      // A later version of the header has more parts.
      const laterId = "22f92f3577b34da6a3ce929d0e0e4736"
      yield* vote(api.url, "cats", { traceparent: `01-${laterId}-${parent}-01-more` })
      // A trace that its originator does not record is not recorded by us either.
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
          assert.strictEqual(named("POST /api/vote", (span) => span.traceId === laterId).parentSpanId, parent)
          assert.deepInclude(attributesOf(request), {
            "http.request.method": "POST",
            "http.route": "/api/vote",
            "http.response.status_code": "201"
          })
          const append = named(`append ${site.stream}`, (span) => span.traceId === traceId)
          assert.strictEqual(append.parentSpanId, request.spanId)
          const redis = new URL(site.env.REDIS_URL)
          const messaging = {
            "messaging.system": "redis",
            "messaging.destination.name": site.stream,
            "server.address": redis.hostname,
            "server.port": redis.port || "6379"
          }
          assert.deepStrictEqual(attributesOf(append), {
            ...messaging,
            "messaging.operation.name": "append",
            "messaging.operation.type": "send",
            "messaging.message.id": String(body.stream_id),
            "tallykeep.vote_id": String(body.vote_id)
          })
          const batch = named(`count ${site.stream}`, ({ links }) => links.some((link) => link.traceId === traceId))
          const { "messaging.batch.message_count": count, ...others } = attributesOf(batch)
          assert.include(["1", "2", "3"], count, "the other votes may be in the same batch")
          assert.deepStrictEqual(others, {
            ...messaging,
            "messaging.operation.name": "count",
            "messaging.operation.type": "process",
            "messaging.consumer.group.name": "vote-processors"
          })
          const [link] = batch.links
          assert.deepInclude(link, { traceId, spanId: append.spanId })
          assert.deepStrictEqual(link && attributesOf(link), { "messaging.message.id": String(body.stream_id) })
          assert.notStrictEqual(batch.traceId, traceId)
          assert.isUndefined(batch.parentSpanId)
          const commit = named("Ledger.count", (span) => span.traceId === batch.traceId)
          assert.strictEqual(commit.parentSpanId, batch.spanId)
          const statement = named("SELECT increment_vote", (span) => span.parentSpanId === commit.spanId)
          const database = new URL(site.env.DATABASE_URL)
          assert.deepInclude(attributesOf(statement), {
            "db.system.name": "postgresql",
            "db.namespace": database.pathname.slice(1),
            "db.query.summary": "SELECT increment_vote",
            "server.address": database.hostname,
            "server.port": database.port || "5432"
          })
          assert.deepStrictEqual(
            [request, append, batch, commit, statement].map(({ kind, status }) => ({ kind, status: status.code })),
            [2, 4, 5, 1, 3].map((kind) => ({ kind, status: 0 })),
            "it is not for us to say what is well"
          )
        })
      )
      for (const role of ["api", "consumer"]) {
        const said = collector.resources.get(role)
        assert.deepInclude(said, { "service.name": "tallykeep", "deployment.environment.name": "development" })
        assert.match(said?.["service.version"] ?? "", /^\d/)
      }
      const instances = [...collector.resources.values()].map((said) => said["service.instance.id"])
      assert.strictEqual(new Set(instances).size, 2)
      assert.isFalse(collector.spans.some((span) => span.traceId.startsWith("11f9")))
      // The voter must not appear beside the vote's id.
      const told = JSON.stringify(collector.spans)
      assert.notInclude(told, "client.address")
    })
  )
})
