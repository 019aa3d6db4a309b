import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { slugPattern, toSlug, withIds } from "../../src/domain/OptionIds.ts"

const idsOf = (...labels: ReadonlyArray<string>) => withIds(labels.map((label) => ({ label }))).map(({ id }) => id)

describe("toSlug", () => {
  it.each([
    ["Cats or dogs?", "cats-or-dogs"],
    ["Crème brûlée", "creme-brulee"],
    ["Straße", "strasse"],
    ["Größe Übermut", "groesse-uebermut"],
    // With the dots as a character of their own.
    ["Gro\u0308sse", "groesse"],
    ["GROẞ", "gross"],
    ["Łódź", "lodz"],
    ["Smørrebrød", "smorrebrod"],
    ["İstanbul", "istanbul"],
    ["ﬁne ①", "fine-1"],
    ["-- a --", "a"],
    [`${"a".repeat(63)} b`, "a".repeat(63)],
    ["日本語", ""],
    ["🐈", ""]
  ])("makes of %j %j", (text, slug) => {
    assert.strictEqual(toSlug(text), slug)
  })
})

describe("withIds", () => {
  it.each([
    [
      ["Tea", "Coffee"],
      ["tea", "coffee"]
    ],
    [
      ["Option 2", "日本語"],
      ["option-2", "option-3"]
    ],
    [
      ["日本語", "Option 1"],
      ["option-2", "option-1"]
    ],
    [
      ["Tea!", "Tea?", "Tea"],
      ["tea", "option-2", "option-3"]
    ],
    [
      ["はい", "いいえ"],
      ["option-1", "option-2"]
    ]
  ])("gives %j the ids %j", (labels, ids) => {
    assert.deepStrictEqual(idsOf(...labels), ids)
  })

  it("keeps the ids that are given", () => {
    const options = [{ label: "日本語" }, { id: "option-1", label: "X" }, { label: "Y" }, { id: "y", label: "Z" }]
    assert.deepStrictEqual(withIds(options), [
      { id: "option-2", label: "日本語" },
      { id: "option-1", label: "X" },
      { id: "option-3", label: "Y" },
      { id: "y", label: "Z" }
    ])
  })

  const parts = Schema.Literals(["Option ", "1", "2", "3", "日本", "ß", "Tea", "-", "É", " "])

  it.effect.prop("gives each of any options an id of its own", { labels: Schema.Array(Schema.Array(parts)) }, (some) =>
    Effect.sync(() => {
      const ids = idsOf(...some.labels.map((label) => label.join("")))
      assert.strictEqual(new Set(ids).size, ids.length)
      for (const id of ids) assert.match(id, slugPattern)
    })
  )
})
