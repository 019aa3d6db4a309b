import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { definitionOf } from "../../src/cli/PollFromFlags.ts"

const given = (...option: ReadonlyArray<string>) => ({
  slug: "lunch",
  title: "Lunch?",
  description: Option.none(),
  option,
  kind: Option.none(),
  min: Option.none(),
  max: Option.none(),
  every: Option.none(),
  budget: Option.none(),
  spendAll: Option.none(),
  method: Option.none(),
  seats: Option.none(),
  tieBreak: Option.none(),
  abstain: Option.none(),
  opensAt: Option.none(),
  closesAt: Option.none()
})

describe("a poll from the command line", () => {
  it.effect("has its options in the order that they are given in, numbers too", () =>
    Effect.gen(function* () {
      const { options } = yield* definitionOf(given("soup=Soup", "10=Ten", "2=Two", "pizza=Pizza = good"))
      assert.deepStrictEqual(options, [
        { id: "soup", label: "Soup" },
        { id: "10", label: "Ten" },
        { id: "2", label: "Two" },
        { id: "pizza", label: "Pizza = good" }
      ])
    })
  )

  it.effect("makes an id of a label that has none", () =>
    Effect.gen(function* () {
      const { options } = yield* definitionOf(given("Crème brûlée", "日本語", "option-2=Second"))
      assert.deepStrictEqual(options, [
        { id: "creme-brulee", label: "Crème brûlée" },
        { id: "option-3", label: "日本語" },
        { id: "option-2", label: "Second" }
      ])
    })
  )

  it.effect("has a kind, and what goes with it", () =>
    Effect.gen(function* () {
      const stv = {
        kind: Option.some("ranked"),
        method: Option.some("stv"),
        seats: Option.some(2),
        abstain: Option.some(true)
      }
      const { abstain, kind, method, seats } = yield* definitionOf({ ...given("a=A", "b=B", "c=C"), ...stv })
      assert.deepStrictEqual(
        { abstain, kind, method, seats },
        { abstain: true, kind: "ranked", method: "stv", seats: 2 }
      )
      const wrong = { kind: Option.some("points"), spendAll: Option.some(true), tieBreak: Option.some("draw") }
      const { message } = yield* Effect.flip(definitionOf({ ...given("a=A", "b=B"), ...wrong }))
      assert.deepStrictEqual(message.split("\n"), [
        "The poll can't be made:",
        "  --tie-break is not a field of a poll of kind points",
        "  --budget is missing"
      ])
    })
  )

  it.effect("names an id that is there twice", () =>
    Effect.gen(function* () {
      const { message } = yield* Effect.flip(definitionOf(given("1=A", "b=B", "1=C")))
      assert.strictEqual(message, 'The poll can\'t be made:\n  --option: the id "1" is there twice')
    })
  )

  it.effect("says all that is wrong, by its flag and in words", () =>
    Effect.gen(function* () {
      const wrong = { ...given("A=A", "b=\u200b"), slug: "Lunch", title: " ", closesAt: Option.some("soon") }
      const { message } = yield* Effect.flip(definitionOf({ ...wrong, description: Option.some("a\u0000") }))
      assert.deepStrictEqual(message.split("\n"), [
        "The poll can't be made:",
        "  slug must be 1 to 64 of a-z, 0-9 and -, with no - at an end",
        "  --title must not be blank",
        "  --description must be text without control characters",
        "  --option 1 (id) must be 1 to 64 of a-z, 0-9 and -, with no - at an end",
        "  --option 2 (label) has a character that can't be seen: U+200B",
        "  --closes-at must be a time such as 2026-11-24T20:15:00Z"
      ])
    })
  )
})
