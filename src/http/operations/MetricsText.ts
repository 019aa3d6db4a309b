import { Context, Effect, Metric } from "effect"
import { HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { metricsType } from "./OperationsApi.ts"

type Registry = Context.Service.Shape<typeof Metric.MetricRegistry>
type Series = Registry extends Map<string, infer Each> ? Each : never

/** Returns a part of the text where it has changed since it was asked for last; undefined where it has not. */
type Changed = () => string | undefined

const isComment = (line: string): boolean => line.startsWith("#")

/** Returns the lines that Effect writes of one series: what it is, and its values, each after its name and labels. */
const linesOf = (series: Series, context: Context.Context<never>) => {
  const alone = Context.add(context, Metric.MetricRegistry, new Map([["", series]]))
  const lines = PrometheusMetrics.formatUnsafe(alone).trimEnd().split("\n")
  return { comments: lines.filter(isComment), values: lines.filter((line) => !isComment(line)) }
}

const join = (lines: ReadonlyArray<string>): string => lines.map((line) => `${line}\n`).join("")

const textOf = (value: number | bigint): string =>
  value === Number.POSITIVE_INFINITY ? "+Inf" : value === Number.NEGATIVE_INFINITY ? "-Inf" : `${value}`

/** Makes the function that writes the values of one series, whose names and labels it has in front of each. */
const makeChanged = (series: Series, context: Context.Context<never>): Changed => {
  const { hooks, type } = series
  const names = linesOf(series, context).values.map((line) => line.slice(0, line.lastIndexOf(" ") + 1))
  const [first = ""] = names
  let last: number | bigint | undefined
  const isLast = (value: number | bigint): boolean => {
    if (Object.is(value, last)) return true
    last = value
    return false
  }
  if (type === "Counter") {
    return () => {
      const { count }: Metric.CounterState<number | bigint> = hooks.get(context)
      return isLast(count) ? undefined : `${first}${textOf(count)}\n`
    }
  }
  if (type === "Gauge") {
    return () => {
      const { value }: Metric.GaugeState<number | bigint> = hooks.get(context)
      return isLast(value) ? undefined : `${first}${textOf(value)}\n`
    }
  }
  if (type === "Histogram") {
    const bounded = names.slice(0, -3)
    const [infinite = "", sum = "", count = ""] = names.slice(-3)
    return () => {
      const state: Metric.HistogramState = hooks.get(context)
      if (isLast(state.count)) return undefined
      let text = ""
      for (let place = 0; place < bounded.length; place++) text += `${bounded[place]}${state.buckets[place]?.[1]}\n`
      return `${text}${infinite}${state.count}\n${sum}${textOf(state.sum)}\n${count}${state.count}\n`
    }
  }
  // Those whose lines change with what they have seen.
  return () => join(linesOf(series, context).values)
}

/** A part of the text, which is so many bytes long. */
interface Part {
  readonly changed: Changed
  length: number
}

/** Returns the text after `last`: what has not changed is copied from there. */
const makeNext = (parts: ReadonlyArray<Part>, last: Buffer): Buffer => {
  const pieces: Array<Buffer> = []
  /** What follows the pieces: bytes of the last text, or else what has changed. */
  let from = 0
  let to = 0
  let changed = ""
  for (const part of parts) {
    const text = part.changed()
    if (text === undefined) {
      if (changed !== "") pieces.push(Buffer.from(changed))
      changed = ""
      to += part.length
    } else {
      if (from < to) pieces.push(last.subarray(from, to))
      changed += text
      from = to += part.length
      part.length = Buffer.byteLength(text)
    }
  }
  pieces.push(changed === "" ? last.subarray(from, to) : Buffer.from(changed))
  return Buffer.concat(pieces)
}

/**
 * Makes the function that writes all metrics, as PrometheusMetrics.format does. That makes all of it anew with each scrape, which
 * with a hundred polls takes twenty times as long. What was returned is not changed any more.
 */
export const makeMetricsText: Effect.Effect<() => Buffer> = Effect.map(Effect.context<never>(), (context) => {
  const registry = Context.get(context, Metric.MetricRegistry)
  let known: ReadonlyArray<Series> = []
  /** In order: series of one name follow each other, after a comment. */
  let parts: ReadonlyArray<Part> = []
  let last: Buffer = Buffer.alloc(0)

  const readRegistry = () => {
    known = [...registry.values()]
    const byName = new Map<string, Array<Changed>>()
    for (const series of known) {
      let comments: string | undefined = join(linesOf(series, context).comments)
      const named = byName.get(series.id) ?? [
        () => {
          const text = comments
          comments = undefined
          return text
        }
      ]
      named.push(makeChanged(series, context))
      byName.set(series.id, named)
    }
    parts = [...byName.values()].flat().map((changed) => ({ changed, length: 0 }))
  }

  return () => {
    let place = 0
    for (const series of registry.values()) if (known[place++] !== series) place = Number.NaN
    if (place !== known.length) readRegistry()
    last = makeNext(parts, last)
    return last
  }
})

/** Makes the response that sends the text. */
export const metricsResponse = (text: () => Uint8Array): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.sync(() => HttpServerResponse.uint8Array(text(), { contentType: metricsType }))
