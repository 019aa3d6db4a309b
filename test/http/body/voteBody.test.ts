import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { type Choosing, decodeChoice } from "../../../src/domain/Choice.ts"
import { defaultPoll } from "../../../src/domain/Poll.ts"
import { InvalidFields } from "../../../src/domain/Problems.ts"
import type { Rules } from "../../../src/domain/Rules.ts"
import { VoteRequest } from "../../../src/domain/Vote.ts"
import { refuseMediaType } from "../../../src/http/body/MediaType.ts"
import { parseVoteBody } from "../../../src/http/body/VoteBody.ts"
import { choosing, someRules } from "../../support/choosing.ts"

const decode = Schema.decodeUnknownOption(VoteRequest, { onExcessProperty: "error" })

/** What the Schema says, that the parser stands for: the choice where the value is a vote, and of the options of the poll. */
const bySchema = (value: unknown, poll: Choosing): string | undefined => {
  const vote = Option.getOrUndefined(decode(value))
  const choice = vote === undefined ? undefined : decodeChoice(poll, vote)
  return typeof choice === "string" ? choice : undefined
}

const byHand = (value: unknown, poll: Choosing): string | undefined => {
  const parsed = parseVoteBody(Buffer.from(JSON.stringify(value)), poll)
  return typeof parsed === "string" ? parsed : undefined
}

const assertAlike = (value: unknown, poll: Choosing = defaultPoll) =>
  assert.strictEqual(byHand(value, poll), bySchema(value, poll), JSON.stringify(value))

describe("parseVoteBody, against the Schema that it stands for", () => {
  it.each<{ readonly value: unknown; readonly option: string | undefined }>([
    { value: { option: "cats" }, option: "cats" },
    { value: { option: "dogs" }, option: "dogs" },
    { value: { option: "birds" }, option: undefined },
    { value: { option: "Cats" }, option: undefined },
    { value: { option: " cats" }, option: undefined },
    { value: { option: "cats\u0000" }, option: undefined },
    { value: { option: "" }, option: undefined },
    { value: { option: null }, option: undefined },
    { value: { option: 1 }, option: undefined },
    { value: { option: true }, option: undefined },
    { value: { option: ["cats"] }, option: undefined },
    { value: { option: { cats: 1 } }, option: undefined },
    { value: { option: "cats", more: 1 }, option: undefined },
    { value: { option: "cats", "": 1 }, option: undefined },
    { value: { Option: "cats" }, option: undefined },
    { value: { options: "cats" }, option: undefined },
    { value: {}, option: undefined },
    { value: [], option: undefined },
    { value: [{ option: "cats" }], option: undefined },
    { value: "cats", option: undefined },
    { value: 1, option: undefined },
    { value: true, option: undefined },
    { value: null, option: undefined },
    { value: JSON.parse('{"option":"cats","__proto__":{"option":"dogs"}}'), option: undefined },
    { value: JSON.parse('{"__proto__":{"option":"cats"}}'), option: undefined },
    { value: JSON.parse('{"option":"cats","constructor":1}'), option: undefined },
    { value: JSON.parse('{"option":"dogs","option":"cats"}'), option: "cats" }
  ])("takes $value for $option", ({ option, value }) => {
    assert.strictEqual(byHand(value, defaultPoll), option)
    assertAlike(value)
  })

  const json = Schema.Union([Schema.Null, Schema.Boolean, Schema.Finite, Schema.String, Schema.Array(Schema.String)])
  const field = Schema.Union([Schema.Literals(["option", "Option", "vote", ""]), Schema.String])
  const content = Schema.Union([Schema.Literals(["cats", "dogs", "birds", "cats-or-dogs", "CATS", "-cats"]), json])

  it.effect.prop("accepts and refuses the same objects", [Schema.Record(field, content)], ([value]) =>
    Effect.sync(() => assertAlike(value))
  )

  const Rule = Schema.Literals(someRules.map((_, index) => index))
  it.effect.prop("accepts and refuses the same votes", [VoteRequest, content, Rule], ([vote, option, rule]) =>
    Effect.sync(() => {
      assertAlike(vote)
      const rules = someRules[rule] ?? assert.fail()
      for (const abstain of [true, false]) assertAlike(vote, choosing(rules, abstain))
      assertAlike({ option })
      assertAlike({ option, more: vote })
    })
  )

  it.effect.prop("accepts and refuses the same of anything else", [json], ([value]) =>
    Effect.sync(() => assertAlike(value))
  )
})

const pointersOf = (text: string, poll: Choosing): ReadonlyArray<string> => {
  const parsed = parseVoteBody(Buffer.from(text), poll)
  if (!(parsed instanceof InvalidFields)) return [`${parsed}`]
  return parsed.errors.map(({ detail, pointer }) => (detail === "is there twice" ? pointer : `${pointer}: ${detail}`))
}

describe("a name that is there twice", () => {
  const score: Rules = { kind: "score", min: 0, max: 5, every: false }
  it.each<readonly [Rules, text: string, pointers: ReadonlyArray<string>]>([
    [{ kind: "single" }, '{"option":"a","option":"b"}', ["#/option"]],
    [{ kind: "single" }, '{"option":"a","option":"a"}', ["#/option"]],
    [{ kind: "single" }, '{"option":{"x":[1]},"option":"a"}', ["#/option"]],
    [{ kind: "single" }, '{"option":"\\"{","option":"a"}', ["#/option"]],
    [{ kind: "single" }, `{"option":"a"${',"option":"a"'.repeat(30)}}`, Array.from({ length: 20 }, () => "#/option")],
    [{ kind: "multiple", min: 1, max: 2 }, '{"options":["a"],"options":["b"]}', ["#/options"]],
    [score, '{"scores":{"a":1,"b":2,"a":3}}', ["#/scores/a"]],
    [score, '{"scores":{"a":1,"\\u0061":3}}', ["#/scores/a"]],
    [score, '{"scores":{"x":1},"scores":{"a":1}}', ["#/scores"]],
    [score, '{"scores":{"a":[{"x":1},{"x":1,"x":2}],"a":1}}', ["#/scores/a/1/x", "#/scores/a"]],
    [score, '{ "scores" : { "a" : 1 , "b" : 2 } }', ["b:2,a:1"]],
    [{ kind: "single" }, '{"option":"\\u0061"}', ["a"]],
    [{ kind: "single" }, '{"abstain":true,"abstain":true}', ["#/abstain"]]
  ])("in a poll of %j is refused in %s", (rules, text, pointers) => {
    assert.deepStrictEqual(pointersOf(text, choosing(rules, true)), pointers)
  })
})

describe("a number that is read as a whole one", () => {
  const score: Rules = { kind: "score", min: -5, max: 5, every: false }
  const points: Rules = { kind: "points", budget: 10, spendAll: false }
  const other = (pointer: string) => [`${pointer}: must be written as a whole number`]
  it.each<readonly [Rules, text: string, read: ReadonlyArray<string>]>([
    [score, '{"scores":{"a":4.99999999999999999}}', other("#/scores/a")],
    [score, '{"scores":{"a":1,"\\u0062" : 5.0000000000000001 }}', other("#/scores/b")],
    [score, '{"scores":{"a":1e-400}}', other("#/scores/a")],
    [score, '{"scores":{"a":-0.99999999999999999}}', other("#/scores/a")],
    [score, '{"scores":{"a":1e0}}', other("#/scores/a")],
    [points, '{"points":{"a":0.3e1,"b":2.0000000000000001}}', [...other("#/points/a"), ...other("#/points/b")]],
    [score, '{"scores":{"a":5.0,"b":-1}}', ["b:-1,a:5"]],
    [points, '{ "points" : { "a" : 3.000 , "b" : 2 } }', ["b:2,a:3"]]
  ])("in a poll of %j is taken only where it was sent as one: %s", (rules, text, read) => {
    assert.deepStrictEqual(pointersOf(text, choosing(rules, true)), read)
  })
})

describe("refuseMediaType", () => {
  it.each<readonly [type: string | undefined, encoding: string | undefined, understood: boolean]>([
    ["application/json", undefined, true],
    ["application/json", "identity", true],
    ["application/json", "Identity", true],
    ["Application/JSON", undefined, true],
    ["application/json;charset=utf-8", undefined, true],
    ["application/json ; charset=UTF-8", undefined, true],
    ['application/json; charset="utf-8"', undefined, true],
    ["application/json; charset=utf8; boundary=x", undefined, true],
    ["application/json; charset=utf-16", undefined, false],
    ["application/json; charset=latin1", undefined, false],
    ["application/json", "gzip", false],
    ["application/json", "", false],
    ["text/plain", undefined, false],
    ["text/plain; charset=application/json", undefined, false],
    ["application/jsonp", undefined, false],
    ["application/x-www-form-urlencoded", undefined, false],
    ["", undefined, false],
    [undefined, undefined, false]
  ])("of %j with encoding %j: understood is %j", (type, encoding, understood) => {
    const refusal = refuseMediaType(type, encoding)
    assert.strictEqual(refusal === undefined, understood)
    assert.isTrue(understood || refusal?.status === 415)
  })
})
