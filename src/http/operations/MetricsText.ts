import { Context, Effect, Metric } from "effect"
import { PrometheusMetrics } from "effect/observability"

/** A series as the registry has it. */
type Series = ReturnType<Metric.MetricRegistry["values"]> extends Iterable<infer One> ? One : never

/** The text with the values taken out: what comes before each value, and after the last. */
interface Template {
  /** All series, in the registry's order. */
  readonly registered: ReadonlyArray<Series>
  /** The same in the text's order; undefined where the values are not those of the text. */
  readonly shown: ReadonlyArray<Series> | undefined
  readonly heads: ReadonlyArray<string>
}

const numberOf = (value: number): string =>
  Number.isFinite(value) || Number.isNaN(value) ? String(value) : value > 0 ? "+Inf" : "-Inf"

/** Calls `take` with each value of a series, in the order of the text; returns false for a type that we have none of. */
const eachValue = (
  { hooks, type }: Series,
  context: Context.Context<never>,
  take: (value: number) => void
): boolean => {
  if (type === "Counter") take((hooks.get(context) as Metric.CounterState<number>).count)
  else if (type === "Gauge") take((hooks.get(context) as Metric.GaugeState<number>).value)
  else if (type === "Histogram") {
    const { buckets, count, sum } = hooks.get(context) as Metric.HistogramState
    for (const [bound, below] of buckets) if (bound !== Number.POSITIVE_INFINITY) take(below)
    take(count)
    take(sum)
    take(count)
  } else return false
  return true
}

/** Makes the template of the text that Effect makes: all but the values stays what it is while no series comes or goes. */
const makeTemplate = (registered: ReadonlyArray<Series>, context: Context.Context<never>): Template => {
  const heads: Array<string> = []
  let head = ""
  for (const line of PrometheusMetrics.formatUnsafe(context).split("\n")) {
    const end = line.startsWith("#") ? 0 : line.lastIndexOf(" ") + 1
    head += end === 0 ? line : line.slice(0, end)
    if (end === 0) head += line === "" ? "" : "\n"
    else {
      heads.push(head)
      head = "\n"
    }
  }
  heads.push(heads.length === 0 ? "" : "\n")
  const families = new Map<string, Array<Series>>()
  for (const series of registered) {
    const family = families.get(series.id)
    if (family === undefined) families.set(series.id, [series])
    else family.push(series)
  }
  const shown = [...families.values()].flat()
  let values = 0
  const known = shown.every((series) => eachValue(series, context, () => values++))
  return { registered, shown: known && values === heads.length - 1 ? shown : undefined, heads }
}

/**
 * Makes the effect that returns all metrics in Prometheus's text format, as PrometheusMetrics.format does, of which it takes all
 * but the values: making that anew takes twenty times as long, with a hundred polls more than a millisecond in which no vote is
 * taken. Where it can't tell the values, the text is made anew.
 */
export const makeMetricsText = (): Effect.Effect<string> => {
  let template: Template | undefined
  return Effect.map(Effect.context<never>(), (context) => {
    const registry = Context.get(context, Metric.MetricRegistry)
    let index = 0
    let same = template?.registered.length === registry.size
    for (const series of registry.values()) same &&= template?.registered[index++] === series
    if (!same || template === undefined) template = makeTemplate([...registry.values()], context)
    const { heads, shown } = template
    if (shown === undefined) return PrometheusMetrics.formatUnsafe(context)
    let text = ""
    let value = 0
    for (const series of shown) {
      eachValue(series, context, (number) => {
        text += heads[value++] + numberOf(number)
      })
    }
    return text + heads.at(-1)
  })
}
