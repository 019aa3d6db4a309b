import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { OptionId } from "../../src/domain/Poll.ts"
import { voteIdPattern } from "../../src/domain/Vote.ts"
import { decodeVote, encodeVote, entryVoteId } from "../../src/stream/VoteEntry.ts"

const id = "1732000000123-7"

const entry = (fields: Readonly<Record<string, string>>) =>
  Object.entries({ option: "cats", timestamp: "2024-11-19T07:06:40.5", request_id: "4f0c", ...fields }).flat()

const castAtOf = (timestamp: string) => Result.getOrThrow(decodeVote("votes", id, entry({ timestamp }))).castAt

describe("an entry of the original", () => {
  it("is a vote in the default poll, known by its place in the stream", () => {
    const flat = entry({})
    const voteId = entryVoteId("votes", id, flat)
    assert.match(voteId, voteIdPattern)
    assert.deepStrictEqual(Result.getOrThrow(decodeVote("votes", id, flat)), {
      voteId,
      poll: "cats-or-dogs",
      choice: "cats",
      castAt: Date.parse("2024-11-19T07:06:40.500Z")
    })
    const others = [entryVoteId("votes", "1732000000123-8", flat), entryVoteId("other", id, flat)]
    assert.lengthOf(new Set([voteId, ...others]), 3)
  })

  it.each([
    ["2024-11-19T07:06:40.123456", 1_732_000_000_123],
    ["2024-11-19 07:06:40", 1_732_000_000_000],
    ["2024-11-19T07:06:40Z", 1_732_000_000_000],
    ["2024-11-19T09:06:40+02:00", 1_732_000_000_000],
    ["2024-11-19T09:06:40+0200", 1_732_000_000_000],
    ["2024-11-19T07:06", 1_731_999_960_000],
    ["1732000000", 1_732_000_000_000],
    ["1732000000.5", 1_732_000_000_500],
    ["1732000000000", 1_732_000_000_000]
  ])("reads when it was cast from %s", (timestamp, ms) => {
    assert.strictEqual(castAtOf(timestamp), ms)
  })

  it.each(["", "yesterday", "2024-13-01T00:00:00", "-1", "1".repeat(16), "1969-12-31T23:59:59Z", "NaN", "1e3"])(
    "takes the time of its id in place of %j",
    (timestamp) => {
      assert.strictEqual(castAtOf(timestamp), 1_732_000_000_123)
    }
  )

  it("needs neither a time nor anything else, and ignores what it does not know", () => {
    assert.isTrue(Result.isSuccess(decodeVote("votes", id, ["option", "dogs"])))
    assert.deepStrictEqual(decodeVote("votes", id, entry({ source: "web" })), decodeVote("votes", id, entry({})))
  })

  it.effect.prop(
    "has a time that the ledger can hold, whatever its timestamp and its id",
    { timestamp: Schema.String, option: OptionId, ms: Schema.Literals(["0", "5", "9223372036854775807"]) },
    ({ ms, option, timestamp }) =>
      Effect.sync(() => {
        const vote = Result.getOrThrow(decodeVote("votes", `${ms}-0`, entry({ option, timestamp })))
        assert.isTrue(Number.isSafeInteger(vote.castAt) && vote.castAt >= 0)
        // What an entry of ours can hold.
        assert.deepStrictEqual(decodeVote("votes", `${ms}-0`, encodeVote(vote)), Result.succeed(vote))
      })
  )

  it.each([{ option: "Cats and dogs" }, { option: "" }, { v: "1" }, { v: "" }, { vote_id: "x" }, { poll: "other" }])(
    "is none with %j",
    (fields) => {
      assert.isTrue(Result.isFailure(decodeVote("votes", id, entry(fields))))
    }
  )

  it("is none without an option", () => {
    const decoded = decodeVote("votes", id, ["timestamp", "1732000000", "request_id", "4f0c"])
    assert.include(String(Result.getFailure(decoded)), "undecodable")
  })
})
