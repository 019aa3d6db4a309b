import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import { Defences } from "../../src/http/Defences.ts"
import { logLines } from "../support/logLines.ts"

describe("Defences", () => {
  it.effect("have a line at once, then at most one a minute for each kind, with the number since", () => {
    const { layer, lines } = logLines()
    return Effect.gen(function* () {
      const { report } = yield* Defences
      const counts = () =>
        lines.map(({ annotations }) => `${annotations.reason} ${annotations.clients} ${annotations.count}`)
      report("bodies", "192.0.2.1")
      yield* TestClock.adjust(0)
      for (let refused = 0; refused < 1_000; refused++) report("bodies", `192.0.2.${refused % 250}`)
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(counts(), ["bodies ipv4 1"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(counts(), ["bodies ipv4 1", "bodies ipv4 1000"])
      // Nothing for a minute: the next one is told at once.
      yield* TestClock.adjust("10 minutes")
      assert.lengthOf(lines, 2)
      report("bodies", "::ffff:192.0.2.1")
      report("bodies", "2001:db8::1")
      report("large_bodies")
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(counts().slice(2), ["bodies ipv4 1", "bodies ipv6 1", "large_bodies unknown 1"])
      for (const { level, message } of lines) {
        assert.strictEqual(level, "Warn")
        assert.notMatch(message, /192\.0\.2|2001:db8/)
      }
    }).pipe(Effect.provide(Defences.layer.pipe(Layer.provideMerge(Logger.layer([layer])))))
  })
})
