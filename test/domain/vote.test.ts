import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import { defaultPoll, PollSlug } from "../../src/domain/Poll.ts"
import {
  isStreamId,
  latestAcceptance,
  makeVoteId,
  parseEntryId,
  uuidOf,
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

describe("isStreamId", () => {
  it.each([
    ["1732000000000-0", true],
    ["0-1", true],
    ["18446744073709551615-18446744073709551615", true],
    ["18446744073709551616-0", false],
    ["0-18446744073709551616", false],
    ["1732000000000", false],
    ["1732000000000-", false],
    ["-1", false],
    ["1-2-3", false],
    ["-1-2", false],
    ["1-2\n", false],
    ["١-0", false],
    ["", false]
  ] as const)("%j: %j", (id, valid) => {
    assert.strictEqual(isStreamId(id), valid)
  })
})

describe("uuidOf", () => {
  it("puts the dashes in", () => {
    assert.strictEqual(uuidOf(voteId.replaceAll("-", "")), voteId)
  })
})
