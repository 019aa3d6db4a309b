import { Context, Effect, Layer } from "effect"
import { makeMeter } from "../Meter.ts"

/** How much longer than it should a step may take on a busy machine, in ms. */
const slack = 10_000

/** Whether this process's loops make progress. Before each step, a loop says how long that can take, waiting included. */
export class Liveness extends Context.Service<
  Liveness,
  {
    /** Says that the loop `name` begins a step that takes at most `ms`. */
    step(name: string, ms: number): void
    /** Says that the loop `name` has ended, or waits for something that may take any time. */
    rest(name: string): void
    /** Returns the loops whose present step takes longer than it can. */
    readonly stuck: () => ReadonlyArray<string>
  }
>()("tallykeep/stream/Liveness") {
  static readonly layer = Layer.effect(
    Liveness,
    Effect.gen(function* () {
      const loops = new Map<string, { readonly since: number; readonly until: number }>()
      const meter = yield* makeMeter
      yield* meter.gauge("tallykeep_loop_age_seconds", "For how long the slowest loop is in its present step", () =>
        Math.max(0, ...[...loops.values()].map(({ since }) => (performance.now() - since) / 1000))
      )
      return Liveness.of({
        step: (name, ms) => {
          const since = performance.now()
          loops.set(name, { since, until: since + ms + slack })
        },
        rest: (name) => void loops.delete(name),
        stuck: () => [...loops].flatMap(([name, { until }]) => (performance.now() > until ? [name] : []))
      })
    })
  )
}
