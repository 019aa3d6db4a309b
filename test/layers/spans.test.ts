import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { HttpMiddleware, HttpServerRequest, HttpServerResponse } from "effect/http"
import { SqlClient } from "effect/sql"
import { freePort } from "../../src/embedded/ServerProcess.ts"
import { layerPostgres } from "../../src/layers/PostgresClient.ts"
import { summaryOf } from "../../src/layers/SpanConventions.ts"
import { attributesOf, type Span } from "../support/collector.ts"
import { makeDatabase } from "../support/databases.ts"
import { type Env, traced } from "../support/traced.ts"

const only = ({ spans }: { readonly spans: ReadonlyArray<Span> }): Span => {
  const [span] = spans
  return span !== undefined && spans.length === 1 ? span : assert.fail(`${spans.length} spans`)
}

describe("the span of a statement", () => {
  it.live("names the server that the connection went to, and the statement by what it does", () =>
    Effect.gen(function* () {
      const url = new URL(Redacted.value(yield* makeDatabase))
      const [host, port] = [url.hostname, url.port || "5432"]
      const away = yield* freePort
      const several = `postgres://${url.username}:${url.password}@127.0.0.1:${away},${host}:${port}${url.pathname}`
      const query = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`select 1 as one from pg_database limit 1`).pipe(
        Effect.provide(layerPostgres(Redacted.make(several), 1))
      )
      const span = only(yield* traced(query))
      assert.strictEqual(span.name, "SELECT pg_database")
      assert.deepInclude(attributesOf(span), {
        "db.system.name": "postgresql",
        "db.namespace": url.pathname.slice(1),
        "db.query.text": "select 1 as one from pg_database limit 1",
        "server.address": host,
        "server.port": port
      })
      assert.notProperty(attributesOf(span), "error.type")
      assert.strictEqual(span.status.code, 0)
    }).pipe(Effect.scoped)
  )

  it.live("tells by PostgreSQL's code why it failed", () =>
    Effect.gen(function* () {
      const url = yield* makeDatabase
      const query = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`select 1 / 0`).pipe(
        Effect.provide(layerPostgres(url, 1)),
        Effect.exit
      )
      const span = only(yield* traced(query))
      assert.deepInclude(attributesOf(span), { "db.response.status_code": "22012", "error.type": "22012" })
      assert.strictEqual(span.status.code, 2)
    }).pipe(Effect.scoped)
  )

  it.live("tells by the system's code why nobody was asked", () =>
    Effect.gen(function* () {
      const url = `postgres://someone@127.0.0.1:${yield* freePort}/polls`
      const query = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`select 1`).pipe(
        Effect.provide(layerPostgres(Redacted.make(url), 1)),
        Effect.exit
      )
      const attributes = attributesOf(only(yield* traced(query)))
      assert.strictEqual(attributes["error.type"], "ECONNREFUSED")
      assert.notProperty(attributes, "db.response.status_code")
    })
  )

  it.each([
    ["select place from increment_vote($1, $2)", "SELECT increment_vote"],
    ["\n  select poll from vote_event where vote_id = $1", "SELECT vote_event"],
    ["select $1 >= vote_id_at(ledger_horizon()) as kept", "SELECT vote_id_at"],
    ["select count(*), extract(epoch from clock_timestamp()) as ms from dead_letter", "SELECT dead_letter"],
    ["with v as (select $1 as voter) select exists (select from ballot)", "SELECT ballot"],
    ["insert into tally (poll) values ($1) on conflict do update set poll = $1", "INSERT tally"],
    ["update tallykeep_schema set step = step", "UPDATE tallykeep_schema"],
    ["lock table only vote_event in access share mode", "LOCK vote_event"],
    ["create table if not exists tallykeep_schema (version int)", "CREATE tallykeep_schema"],
    ["set transaction isolation level repeatable read", "SET"]
  ])("sums up %s", (statement, summary) => {
    assert.strictEqual(summaryOf(statement), summary)
  })
})

describe("the span of a request", () => {
  const request = (path: string, status: number) =>
    HttpMiddleware.tracer(Effect.succeed(HttpServerResponse.empty({ status }))).pipe(
      Effect.provideService(
        HttpServerRequest.HttpServerRequest,
        HttpServerRequest.fromWeb(new Request(`http://localhost:8000${path}`))
      )
    )

  it.live("has the route, where there is one, and tells a failure by its status", () =>
    Effect.gen(function* () {
      const known = only(yield* traced(request("/api/polls/lunch/results?at=1", 503)))
      assert.strictEqual(known.name, "GET /api/polls/:slug/results")
      assert.deepInclude(attributesOf(known), { "http.route": "/api/polls/:slug/results", "error.type": "503" })
      assert.strictEqual(known.status.code, 2)
      const unknown = only(yield* traced(request("/wp-login.php", 404)))
      assert.strictEqual(unknown.name, "GET")
      assert.doesNotHaveAnyKeys(attributesOf(unknown), ["http.route", "error.type"])
      assert.strictEqual(unknown.status.code, 0)
    })
  )
})

describe("what a process says of itself", () => {
  const resource = (env: Env) =>
    Effect.map(traced(Effect.withSpan(Effect.void, "step"), env), ({ resources }) => resources.get("api"))

  it.live("is its name, its version, its environment, and who it is among others", () =>
    Effect.gen(function* () {
      const said = yield* resource({ OTEL_SERVICE_NAME: "" })
      assert.deepInclude(said, { "service.name": "tallykeep", "deployment.environment.name": "test" })
      assert.match(said?.["service.instance.id"] ?? "", /^[0-9a-f-]{36}$/)
      assert.isDefined(said?.["service.version"])
    })
  )

  it.live("is what OpenTelemetry's settings say, as far as these can be read", () =>
    Effect.gen(function* () {
      const attributes = "service.name=polls,deployment.environment.name=staging,k8s.pod.name=a%2Cb"
      assert.deepInclude(yield* resource({ OTEL_RESOURCE_ATTRIBUTES: attributes }), {
        "service.name": "polls",
        "deployment.environment.name": "staging",
        "k8s.pod.name": "a,b"
      })
      const named = { OTEL_RESOURCE_ATTRIBUTES: attributes, OTEL_SERVICE_NAME: "ours" }
      assert.deepInclude(yield* resource(named), { "service.name": "ours", "k8s.pod.name": "a,b" })
      for (const wrong of ["a=%zz", "=", "a", ",,", " "]) {
        assert.deepInclude(yield* resource({ OTEL_RESOURCE_ATTRIBUTES: wrong }), { "service.name": "tallykeep" })
      }
    })
  )
})
