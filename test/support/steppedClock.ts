import { Clock, Effect, Layer } from "effect"

/**
 * Returns a clock whose wall time can be set, while its elapsed time goes on as that of the clock around it; and a layer that
 * provides it.
 */
export const makeSteppedClock = Effect.map(Clock.Clock, (around) => {
  let offset = 0
  const millis = () => around.currentTimeMillisUnsafe() + offset
  const nanos = () => around.currentTimeNanosUnsafe() + BigInt(offset) * 1_000_000n
  const wall = {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos)
  }
  // The rest is inherited, so that a TestClock can be adjusted as before.
  const clock: Clock.Clock = Object.assign(Object.create(around), wall)
  return {
    layer: Layer.succeed(Clock.Clock, clock),
    /** Sets the wall clock back or forth, in ms. */
    step: (ms: number) => {
      offset += ms
    }
  }
})
