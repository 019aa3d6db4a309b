import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Result, Schema } from "effect"
import { defaultPoll, PollSlug } from "../../src/domain/Poll.ts"
import {
  decodeVote,
  encodeVote,
  fieldsByName,
  latestAcceptance,
  makeVoteId,
  parseEntryId,
  type Vote,
  VoteId,
  VoteRequest
} from "../../src/domain/Vote.ts"

const voteId = "0190163d-8694-739b-aea5-966c26f8ad90"

describe("makeVoteId", () => {
  it("mints UUIDv7s, each another, in the order of time", () => {
    const ids = Array.from({ length: 1_000 }, makeVoteId)
    assert.isTrue(ids.every(Schema.is(VoteId)))
    assert.strictEqual(new Set(ids).size, ids.length)
    const times = ids.map((id) => Number.parseInt(id.replace("-", "").slice(0, 12), 16))
    assert.isAtMost(Math.abs((times[0] ?? 0) - Date.now()), 60_000)
    assert.deepStrictEqual(
      times,
      times.toSorted((a, b) => a - b)
    )
  })
})

describe("VoteId", () => {
  it.each([
    [voteId, true],
    [voteId.toUpperCase(), false],
    ["0190163d-8694-439b-aea5-966c26f8ad90", false],
    ["0190163d-8694-739b-cea5-966c26f8ad90", false],
    [`${voteId} `, false],
    [`${voteId}\n`, false],
    ["", false]
  ] as const)("%j: %j", (id, valid) => {
    assert.strictEqual(Schema.is(VoteId)(id), valid)
  })
})

describe("PollSlug", () => {
  it.each([
    ["cats-or-dogs", true],
    ["a", true],
    ["7", true],
    ["a--b", true],
    ["a".repeat(64), true],
    ["a".repeat(65), false],
    ["-a", false],
    ["a-", false],
    ["-", false],
    ["A", false],
    ["a b", false],
    ["a\n", false],
    ["ä", false],
    ["a/b", false],
    ["", false]
  ] as const)("%j: %j", (slug, valid) => {
    assert.strictEqual(Schema.is(PollSlug)(slug), valid)
  })
})

describe("defaultPoll", () => {
  it("is well-formed, and every option of it can be asked for", () => {
    assert.isTrue(Schema.is(PollSlug)(defaultPoll.slug))
    for (const { id } of defaultPoll.options) {
      assert.isTrue(Option.isSome(Schema.decodeUnknownOption(VoteRequest)({ option: id })))
    }
  })
})

describe("parseEntryId", () => {
  const largest = 2n ** 63n - 1n
  it.each<{ readonly id: string; readonly acceptance: { readonly ms: bigint; readonly seq: bigint } | undefined }>([
    { id: "1732000000000-0", acceptance: { ms: 1_732_000_000_000n, seq: 0n } },
    { id: "0-1", acceptance: { ms: 0n, seq: 1n } },
    { id: `${largest}-${largest}`, acceptance: latestAcceptance },
    { id: `${largest + 1n}-0`, acceptance: undefined },
    { id: `0-${largest + 1n}`, acceptance: undefined },
    { id: "18446744073709551615-18446744073709551615", acceptance: undefined }
  ])("of $id", ({ acceptance, id }) => {
    assert.deepStrictEqual(parseEntryId(id), acceptance)
  })
})

describe("a stream entry's fields", () => {
  const fields = { v: "1", vote_id: voteId, poll: "cats-or-dogs", option: "cats", cast_at: "1732000000000" }
  const vote = { voteId, poll: "cats-or-dogs", option: "cats", castAt: 1_732_000_000_000 }
  const decode = (some: Readonly<Record<string, string>>) => Result.getSuccess(decodeVote(some))
  const andBack = (some: Vote, traceparent?: string) => decode(fieldsByName(encodeVote(some, traceparent).map(String)))

  it("is a vote and back", () => {
    assert.deepStrictEqual(decode(fields), Option.some(vote))
    assert.deepStrictEqual(fieldsByName(encodeVote(vote).map(String)), fields)
  })

  it.effect.prop(
    "loses nothing of any vote",
    { poll: PollSlug, option: PollSlug, castAt: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e15 - 1 })) },
    (some) =>
      Effect.gen(function* () {
        const vote = { ...some, voteId: makeVoteId() }
        assert.deepStrictEqual(andBack(vote), Option.some(vote))
        const known = { ...vote, voter: "YW5u" }
        assert.deepStrictEqual(andBack(known, "00-1-2-01"), Option.some(known))
      })
  )

  it("takes fields that a later version adds", () => {
    assert.isTrue(Option.isSome(decode({ ...fields, traceparent: "00-0-0-01" })))
  })

  it.each([
    { v: "2" },
    { v: "" },
    { vote_id: "x" },
    { vote_id: voteId.toUpperCase() },
    { poll: "Cats" },
    { option: "" },
    { option: "cats\u0000" },
    { cast_at: "now" },
    { cast_at: "-1" },
    { cast_at: "1".repeat(16) },
    { cast_at: "" }
  ])("refuses $v $vote_id $poll $option $cast_at", (wrong) => {
    assert.isTrue(Option.isNone(decode({ ...fields, ...wrong })))
  })

  it.each(Object.keys(fields))("refuses an entry without %s", (name) => {
    const { [name]: _, ...rest } = fields as Readonly<Record<string, string>>
    assert.isTrue(Option.isNone(decode(rest)))
  })
})
