import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { choiceField, choicePattern, decodeChoice } from "../../src/domain/Choice.ts"
import { partsOf } from "../../src/domain/ChoiceParts.ts"
import type { Rules } from "../../src/domain/Rules.ts"
import { choosing, someRules } from "../support/choosing.ts"

const multiple: Rules = { kind: "multiple", min: 1, max: 3 }
const score: Rules = { kind: "score", min: 0, max: 5, every: false }
const points: Rules = { kind: "points", budget: 10, spendAll: false }
const ranked: Rules = { kind: "ranked", max: 3, method: "irv", seats: 1, tieBreak: "previous_rounds" }

describe("decodeChoice", () => {
  it.each<readonly [Rules, body: object, choice: string]>([
    [{ kind: "single" }, { option: "a" }, "a"],
    [multiple, { options: ["a"] }, "a"],
    [multiple, { options: ["7", "a", "b"] }, "b+a+7"],
    [score, { scores: { a: 5, b: 0 } }, "b:0,a:5"],
    [score, { scores: { "7": 1, a: 0 } }, "a:0,7:1"],
    [score, { scores: { a: 0 } }, "a:0"],
    [{ ...score, min: -3 }, { scores: { c: -3 } }, "c:-3"],
    [{ ...score, every: true }, { scores: { a: 1, b: 2, c: 3, "7": 4 } }, "b:2,a:1,c:3,7:4"],
    [points, { points: { c: 3, a: 0, b: 7 } }, "b:7,c:3"],
    [points, { points: { a: 1 } }, "a:1"],
    [{ ...points, spendAll: true }, { points: { a: 10 } }, "a:10"],
    [ranked, { ranking: ["c", "a"] }, "c>a"],
    [ranked, { ranking: ["b", "7", "a"] }, "b>7>a"]
  ])("of %j makes of %j: %s", (rules, body, choice) => {
    assert.strictEqual(decodeChoice(choosing(rules), body), choice)
    assert.strictEqual(decodeChoice(choosing(rules, true), body), choice)
  })

  it.each(someRules)("takes an abstention for a choice in a poll that allows it, of %j", (rules) => {
    assert.strictEqual(decodeChoice(choosing(rules, true), { abstain: true }), "-")
    const field = choiceField[rules.kind]
    for (const [poll, body, pointers] of [
      [choosing(rules), { abstain: true }, ["#/abstain"]],
      [choosing(rules, true), { abstain: false }, ["#/abstain"]],
      [choosing(rules, true), { abstain: 1 }, ["#/abstain"]],
      [choosing(rules, true), { abstain: true, [field]: "a" }, [`#/${field}`]],
      [choosing(rules, true), { abstain: true, more: 1 }, ["#/more"]],
      [choosing(rules, true), { abstain: "true", more: 1, [field]: [] }, ["#/abstain", `#/${field}`, "#/more"]]
    ] as const) {
      assert.deepStrictEqual(pointersOf(decodeChoice(poll, body)), pointers, JSON.stringify(body))
    }
  })

  const ids = Array.from({ length: 1_000 }, (_, index) => `o${index}`)
  it.each<readonly [Rules, body: unknown, pointers: ReadonlyArray<string>]>([
    [multiple, { options: ["a", "x"] }, ["#/options/1"]],
    [multiple, { options: ["a", "b", "a"] }, ["#/options/2"]],
    [multiple, { options: ["а", "A", "ａ"] }, ["#/options/0", "#/options/1", "#/options/2"]],
    [multiple, { options: ["a ", "a\u0000", ""] }, ["#/options/0", "#/options/1", "#/options/2"]],
    [multiple, { options: [] }, ["#/options"]],
    [{ ...multiple, min: 2 }, { options: ["a"] }, ["#/options"]],
    [multiple, { options: ["a", "b", "c", "7"] }, ["#/options"]],
    [multiple, { options: ids }, ["#/options"]],
    [multiple, { options: "a" }, ["#/options"]],
    [multiple, { options: "a+b" }, ["#/options"]],
    [multiple, { options: { a: 1 } }, ["#/options"]],
    [multiple, { options: null }, ["#/options"]],
    [multiple, { options: [["a"], { a: 1 }, null] }, ["#/options/0", "#/options/1", "#/options/2"]],
    [multiple, { options: [7] }, ["#/options/0"]],
    [multiple, { option: "a" }, ["#/options", "#/option"]],
    [multiple, {}, ["#/options"]],
    [score, { scores: { x: 1 } }, ["#/scores/x"]],
    [score, { scores: { a: 1.5 } }, ["#/scores/a"]],
    [score, { scores: { a: -0 } }, ["#/scores/a"]],
    [score, { scores: { a: "5" } }, ["#/scores/a"]],
    [
      score,
      { scores: { a: null, b: true, c: [1], 7: { a: 1 } } },
      ["#/scores/7", "#/scores/a", "#/scores/b", "#/scores/c"]
    ],
    [score, { scores: { a: 6, b: -1 } }, ["#/scores/a", "#/scores/b"]],
    [score, { scores: { a: 1e300, b: Number.MAX_SAFE_INTEGER + 1 } }, ["#/scores/a", "#/scores/b"]],
    [score, { scores: {} }, ["#/scores"]],
    [score, { scores: ["a"] }, ["#/scores"]],
    [score, { scores: 5 }, ["#/scores"]],
    [{ ...score, every: true }, { scores: { a: 1, b: 1 } }, ["#/scores/c", "#/scores/7"]],
    [
      score,
      { scores: JSON.parse('{"__proto__":1,"a/b":1,"~":2}') },
      ["#/scores/__proto__", "#/scores/a~1b", "#/scores/~0"]
    ],
    [points, { points: { a: 7, b: 4 } }, ["#/points"]],
    [points, { points: { a: 11 } }, ["#/points/a"]],
    [points, { points: { a: -1 } }, ["#/points/a"]],
    [points, { points: { a: 0, b: 0 } }, ["#/points"]],
    [points, { points: {} }, ["#/points"]],
    [points, { points: { a: 0.5, b: "5" } }, ["#/points/a", "#/points/b"]],
    [{ ...points, spendAll: true }, { points: { a: 9 } }, ["#/points"]],
    [points, { scores: { a: 1 } }, ["#/points", "#/scores"]],
    [ranked, { ranking: ["a", "a"] }, ["#/ranking/1"]],
    [ranked, { ranking: ["x"] }, ["#/ranking/0"]],
    [ranked, { ranking: [] }, ["#/ranking"]],
    [ranked, { ranking: ["a", "b", "c", "7"] }, ["#/ranking"]],
    [ranked, { ranking: { a: 1 } }, ["#/ranking"]],
    [ranked, { ranking: ["a"], options: ["a"] }, ["#/options"]],
    [{ kind: "single" }, { options: ["a"] }, ["#/option", "#/options"]],
    [{ kind: "single" }, { option: ["a"] }, ["#/option"]],
    [{ kind: "single" }, { option: "a+b" }, ["#/option"]],
    [{ kind: "single" }, { option: "-" }, ["#/option"]],
    [ranked, [], ["#"]],
    [ranked, null, ["#"]],
    [ranked, "a>b", ["#"]]
  ])("of %j refuses %j", (rules, body, pointers) => {
    assert.deepStrictEqual(pointersOf(decodeChoice(choosing(rules), body)), pointers)
  })

  it("names no more than 20 of the wrong fields", () => {
    const scores = Object.fromEntries(ids.map((id) => [id, 1]))
    assert.strictEqual(pointersOf(decodeChoice(choosing(score), { scores })).length, 20)
    assert.strictEqual(pointersOf(decodeChoice(choosing(score), scores)).length, 20)
  })
})

const pointersOf = (decoded: ReturnType<typeof decodeChoice>): ReadonlyArray<string> =>
  typeof decoded === "string" ? [`taken for ${decoded}`] : decoded.map(({ pointer }) => pointer)

const Rule = Schema.Literals(someRules.map((_, index) => index))
const Id = Schema.Literals(["b", "a", "c", "7", "x"])
const Value = Schema.Union([
  Schema.Int.check(Schema.isBetween({ minimum: -2, maximum: 7 })),
  Schema.Literals([-0, 1.5])
])
const Body = Schema.Union([
  Schema.Struct({ option: Id }),
  Schema.Struct({ options: Schema.Array(Id) }),
  Schema.Struct({ ranking: Schema.Array(Id) }),
  Schema.Struct({ scores: Schema.Record(Id, Value) }),
  Schema.Struct({ points: Schema.Record(Id, Value) }),
  Schema.Struct({ abstain: Schema.Boolean })
])
const Json = Schema.Union([Schema.Null, Schema.Boolean, Schema.Finite, Schema.String, Schema.Array(Schema.String)])
const anyBody = Schema.Record(
  Schema.Union([Schema.Literals(["abstain", ...Object.values(choiceField)]), Schema.String]),
  Schema.Union([Json, Schema.Record(Schema.String, Json)])
)

describe("a choice", () => {
  it.effect.prop(
    "is made of anything, or its wrong fields are named",
    [Rule, Schema.Boolean, anyBody],
    ([rule, abstain, body]) =>
      Effect.sync(() => {
        const decoded = decodeChoice(choosing(someRules[rule] ?? multiple, abstain), body)
        if (typeof decoded !== "string") assert.isNotEmpty(decoded)
      })
  )

  it.effect.prop(
    "says the same parts as the body it is made of, and is made of them again",
    [Rule, Body],
    ([rule, body]) =>
      Effect.sync(() => {
        const poll = choosing(someRules[rule] ?? multiple, true)
        const choice = decodeChoice(poll, body)
        if (typeof choice !== "string") return
        assert.match(choice, choicePattern)
        const parts = partsOf(poll, choice) ?? assert.fail(`${choice} is no choice`)
        const [said] = Object.values(body)
        if (typeof said === "string") assert.deepStrictEqual(parts, [{ option: said, value: 1 }])
        else if (typeof said === "boolean") assert.deepStrictEqual(parts, [])
        else if (poll.rules.kind === "ranked") {
          assert.deepStrictEqual(
            parts,
            (said as ReadonlyArray<string>).map((option, index) => ({ option, value: index + 1 }))
          )
        } else if (Array.isArray(said)) {
          assert.sameMembers(
            parts.map(({ option }) => option),
            [...said]
          )
        } else {
          const given = Object.entries<number>(said as Readonly<Record<string, number>>).filter(
            ([, value]) => poll.rules.kind === "score" || value !== 0
          )
          assert.sameDeepMembers(
            parts.map(({ option, value }) => [option, value]),
            given
          )
        }
      }),
    { arbitrary: { runs: 500 } }
  )

  it.effect.prop(
    "does not depend on the order of a body's fields, but on that of a ranking",
    [Rule, Body],
    ([rule, body]) =>
      Effect.sync(() => {
        const poll = choosing(someRules[rule] ?? multiple, true)
        const turned = Object.fromEntries(
          Object.entries(body).map(([field, said]) => [
            field,
            Array.isArray(said)
              ? said.toReversed()
              : typeof said === "object"
                ? Object.fromEntries(Object.entries(said).toReversed())
                : said
          ])
        )
        const [choice, other] = [decodeChoice(poll, body), decodeChoice(poll, turned)]
        if (typeof choice !== "string") return assert.isNotString(other)
        const turnedRound = poll.rules.kind === "ranked" && choice !== "-"
        assert.strictEqual(other, turnedRound ? choice.split(">").toReversed().join(">") : choice)
      }),
    { arbitrary: { runs: 500 } }
  )

  const text = Schema.Array(
    Schema.Literals(["a", "b", "c", "7", "+", ">", ",", ":", "-", "0", "1", "5", "10", "x", " "])
  ).check(Schema.isMaxLength(12))
  it.effect.prop(
    "is known by its text alone: only what some body makes is one",
    [Rule, text],
    ([rule, texts]) =>
      Effect.sync(() => {
        const poll = choosing(someRules[rule] ?? multiple, true)
        const choice = texts.join("")
        const parts = partsOf(poll, choice)
        if (parts === undefined || choice === "-") return
        const { kind } = poll.rules
        const numbers = kind === "score" || kind === "points"
        const written = parts.map(({ option, value }) => (numbers ? `${option}:${value}` : option))
        assert.strictEqual(written.join(numbers ? "," : kind === "multiple" ? "+" : ">"), choice)
      }),
    { arbitrary: { runs: 2_000 } }
  )

  it.each<readonly [Rules, text: string]>([
    [multiple, "a+b"],
    [multiple, "b+b"],
    [multiple, "b+"],
    [multiple, ""],
    [multiple, "b+a+c+7"],
    [score, "a:5,b:0"],
    [score, "b:05"],
    [score, "b:+5"],
    [score, "b:-0"],
    [score, "b:5:5"],
    [score, "b:"],
    [score, "b"],
    [score, "b:0x5"],
    [score, "b:5,b:5"],
    [points, "b:0"],
    [points, "b:0,a:3"],
    [ranked, "a>a"],
    [ranked, "a>x"],
    [{ kind: "single" }, "x"],
    [{ kind: "single" }, "-"]
  ])("in a poll of %j is not %j", (rules, text) => {
    assert.isUndefined(partsOf(choosing(rules), text))
  })
})
