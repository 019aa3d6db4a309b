import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { vi } from "vitest"
import { makeMetricsText } from "../../src/http/operations/MetricsText.ts"
import { layerProcessMetrics } from "../../src/layers/ProcessMetrics.ts"
import { layerOwnRegistry, parseMetrics } from "../support/metrics.ts"

const layer = layerProcessMetrics("api").pipe(Layer.provideMerge(layerOwnRegistry))

describe("metrics of the process", () => {
  it.effect("are there while it has no descriptor to read its memory by", () =>
    Effect.gen(function* () {
      const text = yield* makeMetricsText
      const resident = () => parseMetrics(text().toString()).get("process_resident_memory_bytes") ?? 0
      const before = resident()
      assert.isAbove(before, 1_000_000)
      const reading = vi.spyOn(process.memoryUsage, "rss").mockImplementation(() => {
        throw new Error("EMFILE")
      })
      const later = performance.now() + 2_000
      const clock = vi.spyOn(performance, "now").mockImplementation(() => later)
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          for (const spy of [reading, clock]) spy.mockRestore()
        })
      )
      assert.strictEqual(resident(), before)
      assert.strictEqual(reading.mock.calls.length, 1)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})
