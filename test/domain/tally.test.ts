import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Results, type Tally, toResults } from "../../src/domain/Tally.ts"
import type { Tabulation } from "../../src/domain/tabulation/Tabulation.ts"
import { tallied } from "../support/tallied.ts"

/** What the API's description says of results. */
const described = Schema.decodeUnknownSync(Results, { onExcessProperty: "error" })

describe("toResults", () => {
  const tally = {
    poll: "best-pet",
    closesMs: 1_000 as const,
    revision: 3,
    epoch: "a1",
    lastUpdated: new Date("2026-01-02T03:04:05.006Z"),
    ...tallied([
      { option: "cats", count: 1 },
      { option: "dogs", count: 4 },
      { option: "birds", count: 1 },
      { option: "fish", count: 4 },
      { option: "newts", count: 0 }
    ])
  }

  const of = (overrides: Partial<Tally>) => toResults({ ...tally, ...overrides }, 0, 999)

  it("has most votes first, ties in the poll's order", () => {
    assert.deepStrictEqual(toResults(tally, 5, 1_000), {
      poll: "best-pet",
      kind: "single",
      status: "counting",
      results: [
        { option: "dogs", count: 4, percentage: 40 },
        { option: "fish", count: 4, percentage: 40 },
        { option: "cats", count: 1, percentage: 10 },
        { option: "birds", count: 1, percentage: 10 },
        { option: "newts", count: 0, percentage: 0 }
      ],
      total_votes: 10,
      ballots: 10,
      abstained: 0,
      winners: ["dogs", "fish"],
      tie: true,
      pending: 5,
      version: 1,
      revision: 3,
      last_updated: "2026-01-02T03:04:05.006Z"
    })
  })

  it("counts abstentions as ballots, of which no percentage is", () => {
    const { abstained, ballots, results, total_votes } = described(of({ ballots: 12, abstained: 2 }))
    assert.deepStrictEqual({ abstained, ballots, total_votes }, { abstained: 2, ballots: 12, total_votes: 12 })
    assert.strictEqual(results[0]?.percentage, 40)
  })

  it("has nobody lead where nobody has voted", () => {
    assert.deepInclude(of(tallied([{ option: "cats", count: 0 }])), { winners: [], tie: false })
  })

  it("says of multiple what part of the ballots names each option", () => {
    const options = [
      { option: "a", count: 2 },
      { option: "b", count: 3 }
    ]
    assert.deepInclude(described(of({ kind: "multiple", options, ballots: 4, abstained: 1 })), {
      results: [
        { option: "b", count: 3, percentage: 100 },
        { option: "a", count: 2, percentage: 66.67 }
      ],
      winners: ["b"],
      tie: false
    })
  })

  it("has the best mean first in score, which need not be the one that most ballots rate", () => {
    const options = [
      {
        option: "a",
        count: 3,
        sum: 7,
        scores: [
          { score: 2, count: 2 },
          { score: 3, count: 1 }
        ]
      },
      { option: "b", count: 0, sum: 0, scores: [] },
      { option: "c", count: 1, sum: -2, scores: [{ score: -2, count: 1 }] },
      {
        option: "d",
        count: 6,
        sum: 14,
        scores: [
          { score: 1, count: 2 },
          { score: 3, count: 4 }
        ]
      }
    ]
    assert.deepInclude(described(of({ kind: "score", options, ballots: 8, abstained: 0 })), {
      results: [
        { option: "a", count: 3, percentage: 37.5, sum: 7, mean: 2.33, histogram: [...(options[0]?.scores ?? [])] },
        { option: "d", count: 6, percentage: 75, sum: 14, mean: 2.33, histogram: [...(options[3]?.scores ?? [])] },
        { option: "c", count: 1, percentage: 12.5, sum: -2, mean: -2, histogram: [{ score: -2, count: 1 }] },
        { option: "b", count: 0, percentage: 0, sum: 0, histogram: [] }
      ],
      winners: ["a", "d"],
      tie: true
    })
  })

  it("says what a result became final with, sums and points too, where it has changed since", () => {
    const at = new Date(0)
    const changed = (kind: "single" | "score" | "points") => {
      const counts = [{ option: "a", count: 2, ...(kind === "single" ? {} : { sum: 7 }) }]
      return described(of({ kind, options: counts, ballots: 2, changedAfterFinal: { at, counts } })).changed_after_final
    }
    const told = { at: at.toISOString() }
    assert.deepStrictEqual(changed("single"), { ...told, counts: [{ option: "a", count: 2 }] })
    assert.deepStrictEqual(changed("score"), { ...told, counts: [{ option: "a", count: 2, sum: 7 }] })
    assert.deepStrictEqual(changed("points"), { ...told, counts: [{ option: "a", count: 2, points: 7 }] })
  })

  it("has most points first in points, and says their shares", () => {
    const options = [
      { option: "a", count: 5, sum: 10 },
      { option: "b", count: 1, sum: 20 }
    ]
    assert.deepInclude(described(of({ kind: "points", options, ballots: 6, abstained: 0 })), {
      results: [
        { option: "b", count: 1, percentage: 66.67, points: 20 },
        { option: "a", count: 5, percentage: 33.33, points: 10 }
      ],
      winners: ["b"]
    })
  })

  describe("of a ranked poll", () => {
    const options = [
      { option: "a", count: 4 },
      { option: "b", count: 5 }
    ]
    const ranked = { kind: "ranked", options, ballots: 10, abstained: 1 } as const
    const tabulation: Tabulation = {
      method: "condorcet",
      seats: 1,
      ballots: 9,
      rounds: [],
      elected: ["a"],
      winners: ["a", "b"],
      pairwise: {
        options: ["a", "b"],
        votes: [
          [0, 4],
          [4, 0]
        ],
        paths: [
          [0, 0],
          [0, 0]
        ]
      },
      ties: []
    }

    it("has first places, and no winner until it is tabulated", () => {
      const results = described(of(ranked))
      assert.deepInclude(results, {
        results: [
          { option: "b", count: 5, percentage: 55.56, first: 5 },
          { option: "a", count: 4, percentage: 44.44, first: 4 }
        ],
        winners: [],
        tie: false
      })
      assert.notProperty(results, "tabulation")
    })

    it("has the winners of its tabulation, which says what it is of", () => {
      const { winners: _, ...shown } = tabulation
      assert.deepInclude(described(of({ ...ranked, tabulation: { revision: 2, tabulation } })), {
        winners: ["a", "b"],
        tie: true,
        tabulation: { revision: 2, ...shown }
      })
      assert.isFalse(of({ ...ranked, seats: 2, tabulation: { revision: 2, tabulation } }).tie)
    })

    it("has the winners of no earlier revision's once it is final", () => {
      const final = { ...ranked, finalMs: 999 }
      assert.deepInclude(of({ ...final, tabulation: { revision: 2, tabulation } }), { winners: [], tie: false })
      assert.deepStrictEqual(of({ ...final, tabulation: { revision: 3, tabulation } }).winners, ["a", "b"])
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
        yield* Schema.decodeUnknownEffect(Results)(toResults({ ...tally, ...tallied(options) }, 0, 999))
      })
  )
})
