import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { TestClock } from "effect/testing"
import { makeOutageLog } from "../../src/stream/Outage.ts"

const collect = () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    if (logLevel !== "Debug") lines.push(`${logLevel} ${message}`)
  })
  return { lines, layer: Logger.layer([logger]) }
}

describe("the log of an outage", () => {
  it.effect("says once what an operator has to do, and does not say then that time heals it", () => {
    const { layer, lines } = collect()
    return Effect.gen(function* () {
      const log = makeOutageLog("Counting", " of votes")
      const refused = log.down("count", "permission denied (42501)", "Grant it.")
      yield* log.down("count", "refused")
      yield* Effect.andThen(refused, refused)
      yield* log.down("count", "refused")
      yield* TestClock.adjust("1 minute")
      yield* log.up
      yield* refused
      assert.deepStrictEqual(lines, [
        "Warn Can't count of votes for now, trying again until it works: refused",
        "Error Can't count of votes: permission denied (42501). Grant it.",
        "Info Counting of votes again after 60.0 s",
        "Error Can't count of votes: permission denied (42501). Grant it."
      ])
    }).pipe(Effect.provide(layer))
  })

  it.effect("has one that comes and goes once a minute, and another one at once", () => {
    const { layer, lines } = collect()
    return Effect.gen(function* () {
      const log = makeOutageLog("Counting")
      const full = log.down("count", "too many connections")
      for (let second = 0; second < 90; second++) {
        yield* full
        yield* TestClock.adjust("1 second")
        yield* log.up
      }
      yield* Effect.andThen(log.down("count", "refused"), log.up)
      // It has come back, and stays.
      yield* full
      yield* TestClock.adjust("1 second")
      yield* Effect.andThen(full, log.up)
      assert.deepStrictEqual(lines, [
        "Warn Can't count for now, trying again until it works: too many connections",
        "Info Counting again after 1.0 s",
        "Warn Can't count for now, trying again until it works: too many connections",
        "Info Counting again after 1.0 s",
        "Warn Can't count for now, trying again until it works: refused",
        "Info Counting again after 0.0 s",
        "Warn Can't count for now, trying again until it works: too many connections",
        "Info Counting again after 1.0 s"
      ])
      lines.length = 0
      yield* full
      yield* TestClock.adjust("59 seconds")
      yield* Effect.andThen(full, full)
      yield* log.up
      assert.deepStrictEqual(lines, [
        "Warn Can't count for now, trying again until it works: too many connections",
        "Info Counting again after 59.0 s"
      ])
    }).pipe(Effect.provide(layer))
  })
})
