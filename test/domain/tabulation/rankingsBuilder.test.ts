import { assert, describe, it } from "@effect/vitest"
import { RankingsBuilder } from "../../../src/domain/tabulation/RankingsBuilder.ts"

describe("RankingsBuilder", () => {
  it("keeps each ranking with its count, however many come", () => {
    const builder = new RankingsBuilder(["a", "b", "c", "d", "e"])
    const some = ["e>a>b>d>c", "c", "b>a"]
    const choices = Array.from({ length: 5_000 }, (_, index) => some[index % 3] ?? "")
    for (const [index, choice] of choices.entries()) builder.add(choice, index + 1)
    const { counts, options, ranks, starts } = builder.build()
    assert.strictEqual(starts.length, choices.length + 1)
    assert.deepStrictEqual(
      Array.from(counts, (count, index) => ({
        count,
        choice: Array.from(ranks.subarray(starts[index], starts[index + 1]), (option) => options[option]).join(">")
      })),
      choices.map((choice, index) => ({ count: index + 1, choice }))
    )
  })

  it("leaves out abstentions, and what nobody says any more", () => {
    const builder = new RankingsBuilder(["a", "b"])
    builder.add("-", 3)
    builder.add("b>a", 0)
    assert.lengthOf(builder.build().counts, 0)
  })

  it.each(["a>x", "", "a+b", "a>", "A"])("throws for %j, which is no choice of the poll", (choice) => {
    const builder = new RankingsBuilder(["a", "b"])
    assert.throws(() => builder.add(choice, 1), "is no option of the poll")
  })
})
