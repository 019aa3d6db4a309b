import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { follow } from "../../bench/support/delays.ts"

const share = (ms: number, transaction: number, votes: number) => ({
  ms: `${ms}`,
  transaction: `${transaction}`,
  votes
})

/** When each transaction was first seen. */
const seenAt = (transaction: number): number => ({ 7: 1_030, 8: 1_010, 9: 1_030, 10: 1_100 })[transaction] ?? Number.NaN

describe("how long votes take", () => {
  it.effect("is from their acceptance until their own transaction is seen, whatever order transactions end in", () =>
    Effect.sync(() => {
      const { counted } = follow([share(1_000, 7, 1), share(1_005, 8, 1)], 0, seenAt, [])
      assert.deepStrictEqual(counted, [30, 30, 30])
      assert.deepStrictEqual(follow([share(1_005, 8, 1)], 0, seenAt, []).counted, [5, 5, 5])
    })
  )

  it.effect("is until a viewer is sent a tally that all votes seen by then are in", () =>
    Effect.sync(() => {
      const shares = [share(1_000, 8, 2), share(1_000, 7, 1), share(1_001, 9, 1), share(1_050, 10, 96)]
      const sent = [
        { at: 990, total: 0 },
        { at: 1_020, total: 2 },
        // One of the two transactions that were seen at once may be in it, not both.
        { at: 1_040, total: 3 },
        { at: 1_060, total: 4 },
        { at: 1_120, total: 100 }
      ]
      const followed = follow(shares, 0, seenAt, sent)
      assert.deepStrictEqual(followed.sent, [70, 70, 70])
      assert.deepStrictEqual(follow(shares.slice(0, 1), 0, seenAt, sent).sent, [20, 20, 20])
    })
  )

  it.effect("leaves out what was accepted before it is measured, but for the number of votes", () =>
    Effect.sync(() => {
      const shares = [share(1_000, 8, 50), share(1_020, 7, 1)]
      const sent = [
        { at: 1_035, total: 50 },
        { at: 1_045, total: 51 }
      ]
      const followed = follow(shares, 1_001, seenAt, sent)
      assert.deepStrictEqual(followed, { counted: [10, 10, 10], sent: [25, 25, 25] })
    })
  )
})
