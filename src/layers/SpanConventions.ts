import { Cause, Effect, Exit, Layer, type Tracer } from "effect"
import { OtlpSerialization, type OtlpTracer } from "effect/observability"
import { SqlError } from "effect/sql"
import { routeOf } from "../http/Routes.ts"
import { codesOf, sqlState } from "../ledger/SqlFailure.ts"
import type { DatabaseHost } from "./DatabaseAddress.ts"
import { databaseServer } from "./DatabaseHosts.ts"

/** They tell who sent a vote, and must not stand beside its id, by which the ledger knows its option. */
const hidden = new Set(["client.address", "user_agent.original"])

/**
 * Returns a few words for a statement, the same for all of its kind, such as `SELECT vote_event`: its first verb, and the first table
 * that it names, else the first function.
 */
export const summaryOf = (text: string): string => {
  const statement = text.replace(/\bextract\(\w+ from\b/gi, "")
  const [, first = ""] = /^\s*(\w+)/.exec(statement) ?? []
  const [verb = first] = /^with$/i.test(first) ? (/\b(?:select|insert|update|delete)\b/i.exec(statement) ?? []) : []
  const [, table] =
    /\b(?:from|into|update|join|table)\s+(?:(?:if\s+not\s+exists|only)\s+)*"?([a-z_]\w*)/i.exec(statement) ?? []
  const [, called] = /\b([a-z_]\w*)\(/i.exec(statement) ?? []
  const target = table ?? called
  return target === undefined ? verb.toUpperCase() : `${verb.toUpperCase()} ${target}`
}

/** Returns what kind of error a span ended with: the server's or the system's code for it, else the error's name. */
const errorType = (error: unknown): string => {
  const [code] = codesOf(error)
  if (code !== undefined) return code
  if (SqlError.isSqlError(error)) return error.reason._tag
  return error instanceof Error ? error.name : "_OTHER"
}

/** Adds what is known of a span only at its end. */
const addEnd = (span: Tracer.Span, exit: Exit.Exit<unknown, unknown>): void => {
  if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return
  const error = Cause.squash(exit.cause)
  const status = span.attributes.get("http.response.status_code")
  const state = SqlError.isSqlError(error) ? sqlState(error) : undefined
  if (state !== undefined) span.attribute("db.response.status_code", state)
  span.attribute("error.type", status === undefined ? errorType(error) : String(status))
}

const addHost = (span: Tracer.Span, { name, port }: DatabaseHost): void => {
  span.attribute("server.address", name)
  span.attribute("server.port", port)
}

/**
 * Makes a span follow OpenTelemetry's semantic conventions where Effect's own spans don't: statements are named by what they do, not
 * by their database, servers are those that connections lead to, and routes and kinds of errors are told. Leaves out what is hidden.
 */
export const conventional = (span: Tracer.Span): Tracer.Span => {
  const attribute = span.attribute.bind(span)
  const end = span.end.bind(span)
  let serverNow: (() => DatabaseHost | undefined) | undefined
  span.attribute = (key, value) => {
    if (hidden.has(key)) return
    if (key === databaseServer) {
      serverNow = value as typeof serverNow
      return
    }
    attribute(key, value)
    if (key === "url.path" && span.kind === "server") {
      const route = routeOf(String(value))
      if (route !== "other") attribute("http.route", route)
    }
    if (key === "db.query.text") {
      const summary = summaryOf(String(value))
      attribute("db.query.summary", summary)
      Object.assign(span, { name: summary })
    }
  }
  span.end = (endTime, exit) => {
    const host = serverNow?.()
    if (host !== undefined) addHost(span, host)
    addEnd(span, exit)
    end(endTime, exit)
  }
  return span
}

type Traces = OtlpTracer.TraceData
type OtlpSpan = Traces["resourceSpans"][number]["scopeSpans"][number]["spans"][number]

/** Leaves the status of what went well to others, as instrumentation has to: 0 is "unset", 1 is "ok". */
const unsetOk = (span: OtlpSpan): OtlpSpan => (span.status.code === 1 ? { ...span, status: { code: 0 } } : span)

/** Writes spans as JSON. */
export const layerSpanJson: Layer.Layer<OtlpSerialization.OtlpSerialization> = Layer.effect(
  OtlpSerialization.OtlpSerialization,
  Effect.map(OtlpSerialization.OtlpSerialization, (json) => ({
    ...json,
    traces: ({ resourceSpans }: Traces) =>
      json.traces({
        resourceSpans: resourceSpans.map(({ scopeSpans, ...resource }) => ({
          ...resource,
          scopeSpans: scopeSpans.map(({ spans, ...scope }) => ({ ...scope, spans: spans.map(unsetOk) }))
        }))
      })
  }))
).pipe(Layer.provide(OtlpSerialization.layerJson))
