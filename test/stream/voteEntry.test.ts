import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Result, Schema } from "effect"
import { choicePattern } from "../../src/domain/Choice.ts"
import { PollSlug } from "../../src/domain/Poll.ts"
import { makeVoteId, type Vote } from "../../src/domain/Vote.ts"
import { type Beside, decodeVote, encodeVote, fieldsByName, keyProof } from "../../src/stream/VoteEntry.ts"

const voteId = "0190163d-8694-739b-aea5-966c26f8ad90"

describe("a stream entry's fields", () => {
  const fields = { v: "1", vote_id: voteId, poll: "cats-or-dogs", option: "cats", cast_at: "1732000000000" }
  const vote = { voteId, poll: "cats-or-dogs", choice: "cats", castAt: 1_732_000_000_000 }
  const decodeFlat = (flat: ReadonlyArray<string>) => Result.getSuccess(decodeVote("votes", "1732000000000-0", flat))
  const decode = (some: Readonly<Record<string, string>>) => decodeFlat(Object.entries(some).flat())
  const andBack = (some: Vote, beside?: Beside) => decodeFlat(encodeVote(some, beside))

  it("is a vote and back", () => {
    assert.deepStrictEqual(decode(fields), Option.some(vote))
    assert.deepStrictEqual(fieldsByName(encodeVote(vote)), fields)
  })

  it.effect.prop(
    "loses nothing of any vote",
    {
      poll: PollSlug,
      choice: Schema.String.check(Schema.isPattern(choicePattern)),
      castAt: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e15 - 1 }))
    },
    (some) =>
      Effect.gen(function* () {
        const vote = { ...some, voteId: makeVoteId() }
        assert.deepStrictEqual(andBack(vote), Option.some(vote))
        const known = { ...vote, voter: "YW5u" }
        assert.deepStrictEqual(
          andBack(known, { n: keyProof(vote.voteId, "key"), traceparent: "00-1-2-01" }),
          Option.some({ ...known, n: keyProof(vote.voteId, "key") })
        )
      })
  )

  it.each<readonly [choice: string, valid: boolean]>([
    ["b>a", true],
    ["a:5,b:-100", true],
    ["a+c", true],
    ["-", true],
    ["o".repeat(1_024), true],
    ["o".repeat(1_025), false],
    ["", false],
    ["A", false],
    ["a b", false],
    ["a\n", false],
    ["\u0430", false]
  ])("of a choice %j: %j", (choice, valid) => {
    assert.strictEqual(Option.isSome(decode({ ...fields, option: choice })), valid)
  })

  it("knows a key by the hash of the vote's identity and it, as anyone can make it", () => {
    const sha256 = createHash("sha256").update(`${voteId}my-key`).digest()
    assert.strictEqual(keyProof(voteId, "my-key"), sha256.subarray(0, 16).toString("base64url"))
    assert.match(keyProof(voteId, "my-key"), /^[\w-]{22}$/)
  })

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
