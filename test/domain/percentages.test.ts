import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { meanOf, percentageOf, percentages } from "../../src/domain/Percentages.ts"

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
const Counts = Schema.NonEmptyArray(Count)
const Decimals = Schema.Literals([1, 2])

/** In units of the last decimal, since decimals don't add up exactly. */
const units = (shares: ReadonlyArray<number>, decimals: number) =>
  shares.map((share) => Math.round(share * 10 ** decimals))
const sum = (numbers: ReadonlyArray<number>) => numbers.reduce((total, number) => total + number, 0)

describe("percentages", () => {
  it.each<{ readonly counts: ReadonlyArray<number>; readonly shares: ReadonlyArray<number> }>([
    { counts: [], shares: [] },
    { counts: [0], shares: [0] },
    { counts: [0, 0, 0], shares: [0, 0, 0] },
    { counts: [7], shares: [100] },
    { counts: [2, 1], shares: [66.67, 33.33] },
    { counts: [1, 1, 1], shares: [33.34, 33.33, 33.33] },
    { counts: [1, 1, 1, 1, 1, 1], shares: [16.67, 16.67, 16.67, 16.67, 16.66, 16.66] },
    { counts: [1, 0, 2], shares: [33.33, 0, 66.67] },
    { counts: [1, 999_999], shares: [0, 100] },
    { counts: [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 1], shares: [50, 50, 0] }
  ])("of $counts are $shares", ({ counts, shares }) => {
    assert.deepStrictEqual(percentages(counts, 2), shares)
  })

  it("have as many decimals as are wanted", () => {
    assert.deepStrictEqual(percentages([2, 2, 3], 2), [28.57, 28.57, 42.86])
    assert.deepStrictEqual(percentages([2, 2, 3], 1), [28.6, 28.6, 42.8])
    assert.deepStrictEqual(percentages([2, 2, 3], 0), [29, 28, 43])
  })

  it.effect.prop("add up to exactly 100, or to 0 without votes", [Counts, Decimals], ([counts, decimals]) =>
    Effect.sync(() => {
      const all = sum(units(percentages(counts, decimals), decimals))
      assert.strictEqual(all, counts.some((count) => count > 0) ? 100 * 10 ** decimals : 0)
    })
  )

  it.effect.prop(
    "have no more decimals, are less than one of the last off, and no count gets less than a smaller one",
    [Counts, Decimals],
    ([counts, decimals]) =>
      Effect.sync(() => {
        const shares = percentages(counts, decimals)
        const all = BigInt(100 * 10 ** decimals)
        const total = counts.reduce((all, count) => all + BigInt(count), 0n)
        for (const [index, share] of shares.entries()) {
          assert.strictEqual(share, Number(share.toFixed(decimals)))
          const count = BigInt(counts[index] ?? 0)
          const off = BigInt(Math.round(share * 10 ** decimals)) * total - count * all
          assert.isTrue(total === 0n || (off < total && off > -total))
          for (const [other, otherShare] of shares.entries()) {
            if ((counts[other] ?? 0) < count) assert.isAtMost(otherShare, share)
          }
        }
      })
  )
})

describe("a percentage, and a mean", () => {
  it.each([
    [1, 3, 33.33],
    [2, 3, 66.67],
    [1, 8, 12.5],
    [1, 16, 6.25],
    [1, 32, 3.13],
    [0, 3, 0],
    [0, 0, 0]
  ])("%i of %i are %d %%", (count, whole, percentage) => {
    assert.strictEqual(percentageOf(count, whole, 2), percentage)
  })

  it.each([
    [7, 3, 2.33],
    [-7, 3, -2.33],
    [1, 200, 0.01],
    [-1, 200, -0.01],
    [-1, 201, 0],
    [0, 0, 0],
    [Number.MAX_SAFE_INTEGER, 1, Number.MAX_SAFE_INTEGER]
  ])("of %i by %i is %d", (sum, count, mean) => {
    assert.isTrue(Object.is(meanOf(sum, count, 2), mean))
  })
})
