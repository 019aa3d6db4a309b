import { assert, describe, it } from "@effect/vitest"
import { makeSpacing } from "../../src/stream/Spacing.ts"

/** A spacing by a clock that the test sets. */
const spacingAt = () => {
  let now = 1_000_000
  const spacing = makeSpacing(() => now)
  return {
    spacing,
    pass: (ms: number) => {
      now += ms
    },
    /** Sends a command and has its answer. */
    send: (votes: number) => {
      spacing.sent()
      now += 2
      spacing.answered(votes)
    }
  }
}

describe("the spacing of appends", () => {
  it("lets a vote that comes alone go at once", () => {
    const { pass, send, spacing } = spacingAt()
    assert.strictEqual(spacing.wait(1), 0)
    send(1)
    pass(10)
    assert.strictEqual(spacing.wait(1), 0)
  })

  it("has those wait that come soon after others, for 5 ms from the last command and no longer", () => {
    const { pass, send, spacing } = spacingAt()
    send(3)
    pass(1)
    assert.strictEqual(spacing.wait(1), 2)
    pass(1)
    assert.strictEqual(spacing.wait(2), 1)
    pass(1)
    assert.strictEqual(spacing.wait(2), 0)
  })

  it("has nobody wait for more where many have come", () => {
    const { pass, send, spacing } = spacingAt()
    send(100)
    pass(1)
    assert.strictEqual(spacing.wait(31), 2)
    assert.strictEqual(spacing.wait(32), 0)
  })

  it("has nobody wait where those who were answered vote again at once", () => {
    const { pass, send, spacing } = spacingAt()
    send(1)
    pass(0.5)
    assert.strictEqual(spacing.wait(1), 0)
    send(8)
    pass(0.5)
    assert.deepStrictEqual([4, 5].map(spacing.wait), [2.5, 0])
  })
})
