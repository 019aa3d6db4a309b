import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { crc16, keySlot } from "../../src/stream/Slot.ts"

describe("keySlot", () => {
  it.effect.each([
    { key: "123456789", slot: 12739 },
    { key: "user1000", slot: 3443 },
    { key: "{user1000}.following", slot: 3443 },
    { key: "votes:{user1000}", slot: 3443 },
    { key: "foo{}{bar}", slot: 8363 },
    { key: "foo{{bar}}zap", slot: 4015 },
    { key: "foo{bar}{zap}", slot: 5061 },
    { key: "", slot: 0 }
  ])("is Redis Cluster's of $key", ({ key, slot }) => Effect.sync(() => assert.strictEqual(keySlot(key), slot)))

  it.effect("spreads texts of any kind evenly", () =>
    Effect.sync(() => {
      for (const shards of [2, 4, 7, 64]) {
        const counts = new Array<number>(shards).fill(0)
        const texts = Array.from({ length: shards * 1_000 }, (_, index) => `voter ${index}`)
        for (const text of texts) counts[crc16(text) % shards] = (counts[crc16(text) % shards] ?? 0) + 1
        assert.isAtLeast(Math.min(...counts), 700, `of ${shards}`)
        assert.isAtMost(Math.max(...counts), 1_300, `of ${shards}`)
      }
    })
  )
})
