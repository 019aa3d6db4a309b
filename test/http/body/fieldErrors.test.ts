import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { VoteId } from "../../../src/domain/Vote.ts"
import { Api } from "../../../src/http/Api.ts"
import { fieldErrors } from "../../../src/http/body/FieldErrors.ts"
import { definition } from "../../support/pollsApi.ts"

/** The schemas of all that clients send. */
const payloads = Object.values(Api.groups).flatMap((group) =>
  Object.values(group.endpoints).flatMap(({ identifier, payload }) =>
    [...payload.values()].flatMap(({ schemas }) =>
      schemas.map((schema: Schema.Top) => ({ name: String(identifier), schema }))
    )
  )
)

const wrongs = Schema.Literals([
  "null",
  true,
  -1,
  0.5,
  10_001,
  1e300,
  "",
  " ",
  "x",
  "A b",
  "2026-02-30T00:00:00Z",
  "\u200b",
  "\ud800",
  "a\u0000",
  "long",
  "list",
  "many",
  "object",
  "nothing"
])

const named: Readonly<Record<string, unknown>> = {
  null: null,
  nothing: undefined,
  long: "x".repeat(3_000),
  list: [],
  many: Array.from({ length: 60 }, () => ({ id: "a", label: "A" })),
  object: { id: 1, more: 2 }
}

const valueOf = (wrong: typeof wrongs.Type): unknown => (String(wrong) in named ? named[String(wrong)] : wrong)

const fields = [...Object.keys(definition()), "description", "opens_at", "closes_at", "option", "count", "other"]

/** Bodies of which some fields, or all, are not what they should be. */
const bodies = Schema.Struct({
  whole: wrongs,
  isWhole: Schema.Literals([true, false, false, false]),
  fields: Schema.Array(Schema.Struct({ name: Schema.Literals(fields), value: wrongs })),
  option: Schema.Struct({ id: wrongs, label: wrongs })
})

const bodyOf = ({ fields, isWhole, option, whole }: typeof bodies.Type): unknown => {
  if (isWhole) return valueOf(whole)
  const options = [{ id: valueOf(option.id), label: valueOf(option.label) }, ...definition().options]
  const changed = Object.fromEntries(fields.map(({ name, value }) => [name, valueOf(value)]))
  return { ...definition(), options, ...changed }
}

/** What a schema says when nobody has given it words. */
const schemasOwn =
  /^(Expected|Missing|Unexpected|Invalid)|actual|, got|a value with|is not valid|another type|undefined/

const assertWords = (schema: Schema.Top, body: unknown) => {
  const decode = Schema.decodeUnknownResult(schema as Schema.Codec<unknown>, {
    errors: "all",
    onExcessProperty: "error"
  })
  const decoded = decode(body)
  if (Result.isSuccess(decoded)) return
  const errors = fieldErrors(decoded.failure)
  assert.isAtLeast(errors.length, 1)
  for (const { detail } of errors) {
    assert.notMatch(detail, schemasOwn)
    assert.match(detail, /^(must|is|has|can't|looks) /)
  }
}

describe("what is wrong with a field", () => {
  it("is told of all that clients send", () => {
    assert.includeMembers(
      payloads.map(({ name }) => name),
      ["createPoll", "issueTokens", "castVote"]
    )
  })

  it.effect.prop(
    "is said in words, whatever it is",
    { body: bodies },
    ({ body }) =>
      Effect.sync(() => {
        for (const { schema } of payloads) assertWords(schema, bodyOf(body))
      }),
    { arbitrary: { runs: 300 } }
  )

  it("is told of twenty fields at most", () => {
    const decode = Schema.decodeUnknownResult(Schema.Array(Schema.String), { errors: "all" })
    const decoded = decode(Array.from({ length: 60 }, (_, index) => index))
    const errors = Result.isFailure(decoded) ? fieldErrors(decoded.failure) : []
    assert.deepStrictEqual(
      errors.map(({ pointer }) => pointer),
      Array.from({ length: 20 }, (_, index) => `#/${index}`)
    )
  })

  it.each([
    [Schema.Array(Schema.String), {}, "must be a list"],
    [Schema.Struct({ a: Schema.String }), [], "must be an object"],
    [Schema.Number, "1", "must be a number"],
    [Schema.String, 1, "must be a string"],
    [Schema.Literals(["a", "b", "c"]), "d", "must be a, b or c"],
    [VoteId, "x", "must be a UUIDv7"]
  ] as const)("is said in words: %#", (schema, value, said) => {
    const decoded = Schema.decodeUnknownResult(schema as Schema.Codec<unknown>)(value)
    assert.deepStrictEqual(Result.isFailure(decoded) ? fieldErrors(decoded.failure) : [], [
      { pointer: "#", detail: said }
    ])
  })
})
