import { Context, Effect, Metric, type Scope } from "effect"

type Labels = Readonly<Record<string, string>>

/** How many polls have series of their own; votes in others count under `other`. */
const mostPolls = 100

/**
 * Makes series of Effect's metrics that are updated by a plain call, for where an effect would cost more than the update. They
 * are in the registry of the context that the meter was made in. Names and units are Prometheus's: seconds, bytes, `_total`.
 */
export interface Meter {
  counter(name: string, about: string, labels?: Labels): (amount?: number) => void
  /** Has a series for each poll, up to a hundred of them, and one for all others. */
  counterByPoll(name: string, about: string): (poll: string, amount?: number) => void
  /** `bounds` are the upper bounds of the buckets. */
  histogram(name: string, about: string, bounds: ReadonlyArray<number>, labels?: Labels): (value: number) => void
  /** Is read whenever the metrics are asked for, while the scope is open. */
  gauge(name: string, about: string, read: () => number, labels?: Labels): Effect.Effect<void, never, Scope.Scope>
  /** Is read in the same way, for a number that only grows and is counted elsewhere. */
  total(name: string, about: string, read: () => number, labels?: Labels): Effect.Effect<void, never, Scope.Scope>
}

export const makeMeter: Effect.Effect<Meter> = Effect.map(Effect.context<never>(), (all): Meter => {
  const registry = Context.get(all, Metric.MetricRegistry)
  const context = Context.make(Metric.MetricRegistry, registry)

  /** Returns what updates a series, found once; Effect looks it up with each update. */
  const updates = <Input>(series: Metric.Metric<Input, unknown>): ((input: Input) => void) => {
    // The series is shown from the start: a rate needs the zero that it rose from.
    series.valueUnsafe(context)
    const { id, attributes } = series
    const known = [...registry.values()].find((some) => some.id === id && some.attributes === attributes)
    return known === undefined
      ? (input) => series.updateUnsafe(input, context)
      : (input) => known.hooks.update(input, context)
  }

  const counter: Meter["counter"] = (name, about, labels) => {
    const update = updates(Metric.counter(name, { description: about, incremental: true, attributes: labels }))
    return (amount = 1) => update(amount)
  }

  const registered = <Input, State>(metric: Metric.Metric<Input, State>, get: () => State) =>
    Effect.acquireRelease(
      Effect.sync(() =>
        Metric.registerUnsafe(metric, context, { get, update: () => undefined, modify: () => undefined })
      ),
      (registration) => Effect.sync(() => registration.remove())
    ).pipe(Effect.asVoid)

  return {
    counter,
    counterByPoll: (name, about) => {
      // From the start, so that there is a sum before the first vote.
      const others = counter(name, about, { poll: "other" })
      const series = new Map<string, (amount?: number) => void>()
      return (poll, amount) => {
        const known = series.get(poll) ?? (series.size < mostPolls ? counter(name, about, { poll }) : others)
        if (known !== others) series.set(poll, known)
        known(amount)
      }
    },
    histogram: (name, about, bounds, labels) =>
      updates(Metric.histogram(name, { description: about, boundaries: bounds, attributes: labels })),
    gauge: (name, about, read, labels) =>
      registered(Metric.gauge(name, { description: about, attributes: labels }), () => ({ value: read() })),
    total: (name, about, read, labels) =>
      registered(Metric.counter(name, { description: about, incremental: true, attributes: labels }), () => ({
        count: read(),
        incremental: true
      }))
  }
})

/** Bounds for durations from a millisecond to a minute, in seconds. */
export const durations = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
