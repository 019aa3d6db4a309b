import { Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient, type HttpClientError } from "effect/http"
import { elapsed } from "../Elapsed.ts"
import { makeMeter } from "../Meter.ts"

/** How long the collector may take to answer, in ms: OpenTelemetry's default. */
const timeout = 10_000
/** How many tries may be under way: what a collector has not answered yet takes memory, and more comes meanwhile. */
const mostUnderWay = 32
/** How often failures are logged at most, in ms. */
const pause = 60_000

/** Why a try has failed. What the collector's URL holds may be secret. */
const reasonOf = ({ reason }: HttpClientError.HttpClientError): string => {
  if (!("cause" in reason) || !(reason.cause instanceof Error)) return reason._tag
  // Fetch says only that it has failed; why is in the error's own cause.
  const { cause, message } = reason.cause
  return cause instanceof Error ? cause.message || cause.name : message
}

/**
 * The client that traces are exported with. Effect's exporter drops what it can't export and says nothing: each try that
 * fails is counted here, and logged once a minute at most.
 */
export const layerTraceExport: Layer.Layer<HttpClient.HttpClient> = Layer.effect(
  HttpClient.HttpClient,
  Effect.gen(function* () {
    const client = yield* HttpClient.HttpClient
    const meter = yield* makeMeter
    const failed = meter.counter("tallykeep_trace_export_failures_total", "Tries to export traces that failed")
    let loggedAt: number | undefined
    let underWay = 0

    const failure = (why: string) =>
      Effect.flatMap(elapsed, (now) => {
        failed()
        if (loggedAt !== undefined && now - loggedAt < pause) return Effect.void
        loggedAt = now
        return Effect.logWarning(`Traces can't be exported, and are dropped meanwhile: ${why}`)
      })
    const success = Effect.suspend(() => {
      if (loggedAt === undefined) return Effect.void
      loggedAt = undefined
      return Effect.logInfo("Traces are exported again")
    })

    /** Effect's exporter drops what it has then, and all that comes in the next minute. */
    const giveUp = (why: string) => Effect.andThen(failure(why), Effect.die(new Error(why)))

    return HttpClient.transformResponse(client, (response) =>
      Effect.suspend(() => {
        if (underWay >= mostUnderWay) return giveUp(`the collector has left ${mostUnderWay} tries without an answer`)
        underWay++
        return response.pipe(
          Effect.tapError((error) => failure(reasonOf(error))),
          Effect.tap(({ status }) =>
            status < 400 ? success : failure(`the collector at OTEL_EXPORTER_OTLP_ENDPOINT answers ${status}`)
          ),
          // One that never answers would hold up all that come after it.
          Effect.timeoutOrElse({ duration: timeout, orElse: () => giveUp(`no answer within ${timeout / 1000} s`) }),
          Effect.ensuring(Effect.sync(() => underWay--))
        )
      })
    )
  })
).pipe(Layer.provide(FetchHttpClient.layer))
