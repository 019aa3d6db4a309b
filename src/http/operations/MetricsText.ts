import { Context, Effect, Metric } from "effect"
import { PrometheusMetrics } from "effect/observability"

type Registry = Context.Service.Shape<typeof Metric.MetricRegistry>
type Series = Registry extends Map<string, infer Each> ? Each : never

const isComment = (line: string): boolean => line.startsWith("#")

/** Returns the lines that Effect writes of one series: what it is, and its values, each after its name and labels. */
const linesOf = (series: Series, context: Context.Context<never>) => {
  const alone = Context.add(context, Metric.MetricRegistry, new Map([["", series]]))
  const lines = PrometheusMetrics.formatUnsafe(alone).trimEnd().split("\n")
  return { comments: lines.filter(isComment), values: lines.filter((line) => !isComment(line)) }
}

const textOf = (value: number | bigint): string =>
  value === Number.POSITIVE_INFINITY ? "+Inf" : value === Number.NEGATIVE_INFINITY ? "-Inf" : `${value}`

/** Makes the function that writes the values of one series, whose names and labels it has in front of each. */
const makeWrite = (series: Series, context: Context.Context<never>): (() => string) => {
  const { hooks, type } = series
  const names = linesOf(series, context).values.map((line) => line.slice(0, line.lastIndexOf(" ") + 1))
  const [first = ""] = names
  if (type === "Counter") {
    return () => {
      const state: Metric.CounterState<number | bigint> = hooks.get(context)
      return `${first}${textOf(state.count)}\n`
    }
  }
  if (type === "Gauge") {
    return () => {
      const state: Metric.GaugeState<number | bigint> = hooks.get(context)
      return `${first}${textOf(state.value)}\n`
    }
  }
  if (type === "Histogram") {
    const bounded = names.slice(0, -3)
    const [infinite = "", sum = "", count = ""] = names.slice(-3)
    return () => {
      const state: Metric.HistogramState = hooks.get(context)
      let text = ""
      for (let place = 0; place < bounded.length; place++) text += `${bounded[place]}${state.buckets[place]?.[1]}\n`
      return `${text}${infinite}${state.count}\n${sum}${textOf(state.sum)}\n${count}${state.count}\n`
    }
  }
  // Those whose lines change with what they have seen.
  return () =>
    linesOf(series, context)
      .values.map((line) => `${line}\n`)
      .join("")
}

/**
 * Makes the function that writes all metrics, as PrometheusMetrics.format does. That makes names and labels anew with each scrape,
 * which with a hundred polls takes ten times as long.
 */
export const makeMetricsText: Effect.Effect<() => string> = Effect.map(Effect.context<never>(), (context) => {
  const registry = Context.get(context, Metric.MetricRegistry)
  let known: ReadonlyArray<Series> = []
  /** What to write, in order: series of one name follow each other, after a comment. */
  let parts: ReadonlyArray<string | (() => string)> = []

  const readRegistry = () => {
    known = [...registry.values()]
    const byName = new Map<string, Array<string | (() => string)>>()
    for (const series of known) {
      const named = byName.get(series.id) ?? [
        linesOf(series, context)
          .comments.map((line) => `${line}\n`)
          .join("")
      ]
      named.push(makeWrite(series, context))
      byName.set(series.id, named)
    }
    parts = [...byName.values()].flat()
  }

  return () => {
    let place = 0
    for (const series of registry.values()) if (known[place++] !== series) place = Number.NaN
    if (place !== known.length) readRegistry()
    let text = ""
    for (const part of parts) text += typeof part === "string" ? part : part()
    return text
  }
})
