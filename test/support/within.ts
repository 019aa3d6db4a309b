import { assert } from "@effect/vitest"
import { Effect } from "effect"

/** How often it is noted that the process runs, and the most that one turn counts for, in ms. */
const [interval, most] = [5, 100]

/** Starts to add up the time in which this process runs; `read` returns it, in ms. */
const startWatch = () => {
  let [last, passed] = [performance.now(), 0]
  const read = () => {
    const now = performance.now()
    passed += Math.min(now - last, most)
    last = now
    return passed
  }
  const timer = setInterval(read, interval)
  return { read, stop: () => clearInterval(timer) }
}

/**
 * Returns how long an effect takes, in ms. Only time in which this process runs counts: a busy machine may stand still for
 * seconds at any moment, and nothing that is tested can be any sooner than that.
 */
export const timed = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<readonly [result: A, ms: number], E, R> =>
  Effect.acquireUseRelease(
    Effect.sync(startWatch),
    ({ read }) => Effect.map(effect, (result) => [result, read()] as const),
    ({ stop }) => Effect.sync(stop)
  )

/** Asserts that an effect takes less than `limit` ms of such time, and returns what it comes to. */
export const within = <A, E, R>(limit: number, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.map(timed(effect), ([result, ms]) => {
    assert.isBelow(ms, limit)
    return result
  })
