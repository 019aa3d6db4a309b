import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Result, Schema } from "effect"
import { PollSlug } from "../../src/domain/Poll.ts"
import { makeVoteId, type Vote } from "../../src/domain/Vote.ts"
import { decodeVote, encodeVote, fieldsByName } from "../../src/stream/VoteEntry.ts"

const voteId = "0190163d-8694-739b-aea5-966c26f8ad90"

describe("a stream entry's fields", () => {
  const fields = { v: "1", vote_id: voteId, poll: "cats-or-dogs", option: "cats", cast_at: "1732000000000" }
  const vote = { voteId, poll: "cats-or-dogs", choice: "cats", castAt: 1_732_000_000_000 }
  const decodeFlat = (flat: ReadonlyArray<string>) => Result.getSuccess(decodeVote("votes", "1732000000000-0", flat))
  const decode = (some: Readonly<Record<string, string>>) => decodeFlat(Object.entries(some).flat())
  const andBack = (some: Vote, traceparent?: string) => decodeFlat(encodeVote(some, traceparent))

  it("is a vote and back", () => {
    assert.deepStrictEqual(decode(fields), Option.some(vote))
    assert.deepStrictEqual(fieldsByName(encodeVote(vote)), fields)
  })

  it.effect.prop(
    "loses nothing of any vote",
    { poll: PollSlug, choice: PollSlug, castAt: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e15 - 1 })) },
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
