import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { percentages, Results, toResults } from "../../src/domain/Tally.ts"

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
const Counts = Schema.NonEmptyArray(Count)

/** In hundredths, since decimals don't add up exactly. */
const hundredths = (shares: ReadonlyArray<number>) => shares.map((share) => Math.round(share * 100))
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
    assert.deepStrictEqual(percentages(counts), shares)
  })

  it.effect.prop("add up to 100.00, or to 0 without votes", [Counts], ([counts]) =>
    Effect.sync(() => {
      assert.strictEqual(sum(hundredths(percentages(counts))), counts.some((count) => count > 0) ? 10_000 : 0)
    })
  )

  it.effect.prop(
    "have two decimals, are less than a hundredth off, and no count gets less than a smaller one",
    [Counts],
    ([counts]) =>
      Effect.sync(() => {
        const shares = percentages(counts)
        const total = counts.reduce((all, count) => all + BigInt(count), 0n)
        for (const [index, share] of shares.entries()) {
          assert.strictEqual(share, Number(share.toFixed(2)))
          const count = BigInt(counts[index] ?? 0)
          const off = BigInt(Math.round(share * 100)) * total - count * 10_000n
          assert.isTrue(total === 0n || (off < total && off > -total))
          for (const [other, otherShare] of shares.entries()) {
            if ((counts[other] ?? 0) < count) assert.isAtMost(otherShare, share)
          }
        }
      })
  )
})

describe("toResults", () => {
  const tally = {
    poll: "best-pet",
    closesMs: 1_000 as const,
    revision: 3,
    epoch: "a1",
    lastUpdated: new Date("2026-01-02T03:04:05.006Z"),
    options: [
      { option: "cats", count: 1 },
      { option: "dogs", count: 4 },
      { option: "birds", count: 1 },
      { option: "fish", count: 4 },
      { option: "newts", count: 0 }
    ]
  }

  it("has most votes first, ties in the poll's order", () => {
    assert.deepStrictEqual(toResults(tally, 5, 1_000), {
      poll: "best-pet",
      status: "closed",
      results: [
        { option: "dogs", count: 4, percentage: 40 },
        { option: "fish", count: 4, percentage: 40 },
        { option: "cats", count: 1, percentage: 10 },
        { option: "birds", count: 1, percentage: 10 },
        { option: "newts", count: 0, percentage: 0 }
      ],
      total_votes: 10,
      pending: 5,
      revision: 3,
      last_updated: "2026-01-02T03:04:05.006Z"
    })
  })

  it("leaves the tally as it is", () => {
    const order = tally.options.map(({ option }) => option)
    toResults(tally, 0, 1_000)
    assert.deepStrictEqual(
      tally.options.map(({ option }) => option),
      order
    )
  })

  it.effect.prop(
    "is what the API's description says",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000_000 })))],
    ([counts]) =>
      Effect.gen(function* () {
        const options = counts.map((count, index) => ({ option: `option-${index}`, count }))
        yield* Schema.decodeUnknownEffect(Results)(toResults({ ...tally, options }, 0, 999))
      })
  )
})
