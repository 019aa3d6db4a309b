import { assert, describe, it } from "@effect/vitest"
import type { Poll } from "../../../src/domain/Poll.ts"
import { refusalOf } from "../../../src/http/voting/BallotRefusals.ts"
import { teaOrCoffeePoll } from "../../support/teaOrCoffee.ts"

describe("a vote that was appended", () => {
  const refusal = (ms: number, times: Partial<Poll>, now: number) => {
    const appended = { streamId: `${ms}-0`, voteId: "", choice: "tea" }
    const refused = refusalOf(appended, "tea", { ...teaOrCoffeePoll, slug: "tea-or-coffee", ...times }, now)
    return refused && [refused._tag, refused.detail]
  }

  it("is not refused for good while its poll is closed for a moment, which may be taken back", () => {
    const shut = { shut: [[4_000, 9_000]] } as const
    assert.isUndefined(refusal(3_999, shut, 8_999))
    assert.strictEqual(refusal(4_000, shut, 8_999)?.[0], "Unavailable")
    assert.deepStrictEqual(refusal(4_000, shut, 9_000), ["PollNotOpen", "The poll is not open yet"])
    assert.isUndefined(refusal(9_000, shut, 9_000))
  })

  it("is refused where its poll had closed, or had not opened", () => {
    assert.deepStrictEqual(refusal(5_000, { closesMs: 5_000 }, 5_000), ["PollNotOpen", "The poll has closed"])
    const closed = { closesMs: 5_000, shut: [[4_000, 9_000]] } as const
    assert.deepStrictEqual(refusal(5_000, closed, 5_000), ["PollNotOpen", "The poll has closed"])
    assert.deepStrictEqual(refusal(4_999, { opensMs: 5_000 }, 5_000), ["PollNotOpen", "The poll is not open yet"])
  })
})
