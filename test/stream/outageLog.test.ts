import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { makeOutageLog } from "../../src/stream/Outage.ts"

describe("the log of an outage", () => {
  it.effect("says once what an operator has to do, and does not say then that time heals it", () => {
    const lines: Array<string> = []
    return Effect.gen(function* () {
      const log = makeOutageLog("Counting", " of votes")
      const refused = log.down("count", "permission denied (42501)", "Grant it.")
      yield* log.down("count", "refused")
      yield* Effect.andThen(refused, refused)
      yield* log.down("count", "refused")
      yield* log.up
      yield* refused
      assert.deepStrictEqual(
        lines.map((line) => line.replace(/\d+\.\d/, "0.0")),
        [
          "Warn Can't count of votes for now, trying again until it works: refused",
          "Error Can't count of votes: permission denied (42501). Grant it.",
          "Info Counting of votes again after 0.0 s",
          "Error Can't count of votes: permission denied (42501). Grant it."
        ]
      )
    }).pipe(
      Effect.provide(Logger.layer([Logger.make(({ logLevel, message }) => lines.push(`${logLevel} ${message}`))]))
    )
  })
})
