import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { defaultPoll } from "../../../src/domain/Poll.ts"
import { VoteRequest } from "../../../src/domain/Vote.ts"
import { refuseMediaType } from "../../../src/http/body/MediaType.ts"
import { parseVoteBody } from "../../../src/http/body/VoteBody.ts"

const options: ReadonlySet<string> = new Set(defaultPoll.options.map(({ id }) => id))

const decode = Schema.decodeUnknownOption(VoteRequest, { onExcessProperty: "error" })

/** What the Schema says, that the parser stands for: the option where the value is a vote in the poll. */
const bySchema = (value: unknown): string | undefined => {
  const decoded = decode(value)
  return decoded._tag === "Some" && options.has(decoded.value.option) ? decoded.value.option : undefined
}

const byHand = (value: unknown): string | undefined => {
  const parsed = parseVoteBody(Buffer.from(JSON.stringify(value)), options)
  return typeof parsed === "string" ? parsed : undefined
}

const assertAlike = (value: unknown) => assert.strictEqual(byHand(value), bySchema(value), JSON.stringify(value))

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
    assert.strictEqual(byHand(value), option)
    assertAlike(value)
  })

  const json = Schema.Union([Schema.Null, Schema.Boolean, Schema.Finite, Schema.String, Schema.Array(Schema.String)])
  const field = Schema.Union([Schema.Literals(["option", "Option", "vote", ""]), Schema.String])
  const content = Schema.Union([Schema.Literals(["cats", "dogs", "birds", "cats-or-dogs", "CATS", "-cats"]), json])

  it.effect.prop("accepts and refuses the same objects", [Schema.Record(field, content)], ([value]) =>
    Effect.sync(() => assertAlike(value))
  )

  it.effect.prop("accepts and refuses the same votes", [VoteRequest, content], ([vote, option]) =>
    Effect.sync(() => {
      assertAlike(vote)
      assertAlike({ option })
      assertAlike({ option, more: vote })
    })
  )

  it.effect.prop("accepts and refuses the same of anything else", [json], ([value]) =>
    Effect.sync(() => assertAlike(value))
  )
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
