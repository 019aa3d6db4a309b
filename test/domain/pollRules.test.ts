import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { decodeChoice } from "../../src/domain/Choice.ts"
import { partsOf } from "../../src/domain/ChoiceParts.ts"
import { fromDefinition, PollDefinition } from "../../src/domain/PollDefinition.ts"
import { PollView, toView } from "../../src/domain/PollView.ts"
import { longestChoice, type Rules } from "../../src/domain/Rules.ts"
import { fieldErrors } from "../../src/http/body/FieldErrors.ts"
import { teaOrCoffee } from "../support/teaOrCoffee.ts"

const decode = Schema.decodeUnknownResult(PollDefinition, { errors: "all", onExcessProperty: "error" })

const options = ["a", "b", "c", "d"].map((id) => ({ id, label: id }))

const defined = (fields: object) => decode({ slug: "poll", ...teaOrCoffee, options, ...fields })

const pollOf = (fields: object) => fromDefinition(Result.getOrThrow(defined(fields)))

const pointersOf = (fields: object): ReadonlyArray<string> => {
  const decoded = defined(fields)
  return Result.isSuccess(decoded) ? [] : fieldErrors(decoded.failure).map(({ pointer }) => pointer)
}

describe("a poll's definition", () => {
  it.each<readonly [fields: object, rules: Rules]>([
    [{}, { kind: "single" }],
    [{ kind: "single" }, { kind: "single" }],
    [{ kind: "multiple" }, { kind: "multiple", min: 1, max: 4 }],
    [
      { kind: "multiple", min: 2, max: 2 },
      { kind: "multiple", min: 2, max: 2 }
    ],
    [{ kind: "score" }, { kind: "score", min: 0, max: 5, every: false }],
    [
      { kind: "score", min: -100, max: 100, every: true },
      { kind: "score", min: -100, max: 100, every: true }
    ],
    [
      { kind: "points", budget: 10 },
      { kind: "points", budget: 10, spendAll: false }
    ],
    [
      { kind: "points", budget: 1, spend_all: true },
      { kind: "points", budget: 1, spendAll: true }
    ],
    [{ kind: "ranked" }, { kind: "ranked", max: 4, method: "irv", seats: 1, tieBreak: "previous_rounds" }],
    [
      { kind: "ranked", max: 2, method: "stv", seats: 3, tie_break: "draw" },
      { kind: "ranked", max: 2, method: "stv", seats: 3, tieBreak: "draw" }
    ]
  ])("with %j has the rules %j, and its view is a definition of the same", (fields, rules) => {
    for (const abstain of [true, false]) {
      const poll = pollOf({ ...fields, abstain })
      assert.deepStrictEqual(poll.rules, rules)
      assert.strictEqual(poll.abstain, abstain)
      const { status, ...view } = Schema.encodeSync(PollView)(toView(poll, 0))
      assert.strictEqual(status, "open")
      assert.deepStrictEqual(fromDefinition(Result.getOrThrow(decode(view))), poll)
    }
  })

  it("ranks at most 12 options unless told otherwise", () => {
    const many = Array.from({ length: 20 }, (_, index) => ({ id: `o${index}`, label: `Option ${index}` }))
    assert.deepInclude(pollOf({ kind: "ranked", options: many }).rules, { max: 12 })
    assert.deepStrictEqual(pointersOf({ kind: "ranked", options: many, max: 13 }), ["#/max"])
  })

  it.each<readonly [fields: object, pointers: ReadonlyArray<string>]>([
    [{ kind: "plural" }, ["#/kind"]],
    [{ kind: null }, ["#/kind"]],
    [{ min: 1 }, ["#/min"]],
    [
      {
        kind: "single",
        min: 1,
        max: 1,
        every: true,
        budget: 1,
        spend_all: true,
        method: "irv",
        seats: 1,
        tie_break: "draw"
      },
      ["#/min", "#/max", "#/every", "#/budget", "#/spend_all", "#/method", "#/seats", "#/tie_break"]
    ],
    [{ kind: "multiple", every: false, budget: 3, method: "stv" }, ["#/every", "#/budget", "#/method"]],
    [{ kind: "score", seats: 1, spend_all: false }, ["#/spend_all", "#/seats"]],
    [{ kind: "points", budget: 5, min: 0, max: 5 }, ["#/min", "#/max"]],
    [{ kind: "ranked", min: 1, every: true }, ["#/min", "#/every"]],
    [{ kind: "multiple", min: 0 }, ["#/min"]],
    [{ kind: "multiple", max: 5 }, ["#/max"]],
    [{ kind: "multiple", min: 3, max: 2 }, ["#/min"]],
    [{ kind: "multiple", min: 1.5 }, ["#/min"]],
    [{ kind: "multiple", min: "1", max: null }, ["#/min", "#/max"]],
    [{ kind: "multiple", min: 1e300 }, ["#/min", "#/min"]],
    [{ kind: "score", min: -101, max: 101 }, ["#/min", "#/max"]],
    [{ kind: "score", min: 3, max: 3 }, ["#/max"]],
    [{ kind: "score", min: 3, max: 2 }, ["#/max"]],
    [{ kind: "score", min: 5 }, ["#/min"]],
    [{ kind: "score", max: -0 }, ["#/max"]],
    [{ kind: "score", every: "yes" }, ["#/every"]],
    [{ kind: "points" }, ["#/budget"]],
    [{ kind: "points", budget: 0 }, ["#/budget"]],
    [{ kind: "points", budget: 1_000_001 }, ["#/budget"]],
    [{ kind: "ranked", max: 0 }, ["#/max"]],
    [{ kind: "ranked", max: 5 }, ["#/max"]],
    [{ kind: "ranked", method: "borda" }, ["#/method"]],
    [{ kind: "ranked", seats: 2 }, ["#/seats"]],
    [{ kind: "ranked", method: "condorcet", seats: 2 }, ["#/seats"]],
    [{ kind: "ranked", method: "stv", seats: 4 }, ["#/seats"]],
    [{ kind: "ranked", method: "stv", seats: 0 }, ["#/seats"]],
    [{ kind: "ranked", tie_break: "coin" }, ["#/tie_break"]],
    [{ abstain: 1 }, ["#/abstain"]]
  ])("with %j is refused for %j", (fields, pointers) => {
    assert.deepStrictEqual(pointersOf(fields), pointers)
  })

  it("is refused where a choice could be longer than 1,024 bytes, and made where none can", () => {
    const of = (count: number, length: number) =>
      Array.from({ length: count }, (_, index) => ({ id: `o${index}`.padEnd(length, "x"), label: `Option ${index}` }))
    for (const [fields, fits, tooLong] of [
      [{ kind: "multiple" }, of(41, 24), of(41, 25)],
      [{ kind: "multiple", max: 15 }, of(50, 64), undefined],
      [{ kind: "ranked" }, of(50, 64), undefined],
      [{ kind: "score" }, of(50, 17), of(50, 18)],
      [{ kind: "score", min: -100 }, of(50, 14), of(50, 15)],
      [{ kind: "points", budget: 49 }, of(50, 17), of(50, 18)],
      [{ kind: "points", budget: 1_000_000 }, of(50, 12), of(50, 16)]
    ] as const) {
      assert.deepStrictEqual(pointersOf({ ...fields, options: fits }), [], JSON.stringify(fields))
      if (tooLong !== undefined) assert.deepStrictEqual(pointersOf({ ...fields, options: tooLong }), ["#/options"])
    }
  })

  const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }))
  const Drawn = Schema.Struct({
    lengths: Schema.Array(upTo(20)).check(Schema.isMinLength(2), Schema.isMaxLength(5)),
    budget: upTo(1_500),
    points: Schema.Array(upTo(1_200)).check(Schema.isMinLength(5)),
    named: upTo(5)
  })
  it.effect.prop("has choices no longer than the longest, of points", [Drawn], ([{ budget, lengths, named, points }]) =>
    Effect.sync(() => {
      const ids = lengths.map((length, index) => ({ id: `o${index}`.padEnd(length, "x") }))
      const poll = { options: ids, rules: { kind: "points", budget, spendAll: false }, abstain: false } as const
      const given = Object.fromEntries(ids.slice(0, named).map(({ id }, index) => [id, points[index]]))
      const choice = decodeChoice(poll, { points: given })
      if (typeof choice !== "string") return
      assert.isAtMost(choice.length, longestChoice(ids, poll.rules))
      assert.isDefined(partsOf(poll, choice))
    })
  )

  it("has a longest choice that some vote is, of points", () => {
    const ids = ["aaa", "bb", "c"].map((id) => ({ id }))
    const longestOf = (budget: number) => longestChoice(ids, { kind: "points", budget, spendAll: true })
    assert.strictEqual(longestOf(1), "aaa:1".length)
    assert.strictEqual(longestOf(2), "aaa:1,bb:1".length)
    assert.strictEqual(longestOf(11), "aaa:1,bb:1,c:9".length)
    assert.strictEqual(longestOf(12), "aaa:10,bb:1,c:1".length)
    assert.strictEqual(longestOf(30), "aaa:10,bb:10,c:10".length)
    assert.strictEqual(longestOf(119), "aaa:10,bb:10,c:99".length)
    assert.strictEqual(longestOf(120), "aaa:100,bb:10,c:10".length)
  })
})
