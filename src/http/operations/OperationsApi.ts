import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { NotFound } from "../../domain/Problems.ts"
import { summary } from "../Describe.ts"
import { ProblemAnswers } from "../middleware/ProblemAnswers.ts"

export const Health = Schema.Struct({ status: Schema.Literal("healthy") })

export const Stuck = Schema.Struct({ status: Schema.Literal("stuck"), loops: Schema.Array(Schema.String) })

const parts = {
  redis: Schema.Literals(["connected", "degraded", "refusing", "disconnected"]).annotate({
    description:
      "degraded: some nodes of a Redis Cluster do no work, and votes for their shards get a 503; " +
      "refusing: Redis answers and does not do what it is asked to, see reason; disconnected: it does not answer"
  }),
  database: Schema.Literals(["connected", "unavailable"]).annotate({
    description: "unavailable: votes are taken, and counted when it is back"
  }),
  reason: Schema.optionalKey(Schema.String).annotate({ description: "Why Redis refuses" }),
  durability: Schema.optionalKey(Schema.Literals(["fsync", "everysec", "memory"])).annotate({
    description: "fsync: a vote is on disk before its 201; everysec, memory: a crash of Redis can cost votes"
  })
}

export const Ready = Schema.Struct({
  status: Schema.Literals(["ready", "degraded"]).annotate({
    description: "degraded: an API takes votes, while the database is away"
  }),
  ...parts
})

export const NotReady = Schema.Struct({ status: Schema.Literals(["not ready", "shutting down"]), ...parts })

/** The text format of Prometheus. */
export const metricsType = "text/plain; version=0.0.4; charset=utf-8"

/** Where health and metrics have a port of their own, they are not found at the public one. */
const elsewhere = { error: NotFound }

export const OperationsGroup = HttpApiGroup.make("operations")
  .add(
    HttpApiEndpoint.get("health", "/health", {
      success: [Health, Stuck.pipe(HttpApiSchema.status(503))],
      ...elsewhere
    }).annotateMerge(summary("Whether the process lives, and its loops get on")),
    HttpApiEndpoint.get("ready", "/ready", {
      success: [Ready, NotReady.pipe(HttpApiSchema.status(503))],
      ...elsewhere
    }).annotateMerge(
      summary(
        "Whether it can do its work (an API: take votes, a consumer: count them), and what is missing where it can't"
      )
    ),
    HttpApiEndpoint.get("metrics", "/metrics", {
      success: Schema.String.pipe(HttpApiSchema.asText({ contentType: metricsType })),
      ...elsewhere
    }).annotateMerge(summary("Metrics of this process, in Prometheus's text format"))
  )
  .middleware(ProblemAnswers)
