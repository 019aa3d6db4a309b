import { Context, Effect, Layer } from "effect"
import { makeMeter } from "../Meter.ts"

/** What a busy machine may add to how long a step takes, in ms. */
const slack = 10_000

/** Whether the loops of this process get on: each says before a step how long that can take, waiting for others included. */
export class Liveness extends Context.Service<
  Liveness,
  {
    /** The loop `name` takes a step, which takes at most `ms`. */
    step(name: string, ms: number): void
    /** The loop `name` has ended, or waits for something that may take for ever. */
    rest(name: string): void
    /** The loops that are in a step for longer than it can take. */
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
