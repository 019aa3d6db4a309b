import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Results, toResults } from "../../src/domain/Tally.ts"

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
      status: "counting",
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
