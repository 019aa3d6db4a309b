import { assert, describe, it } from "@effect/vitest"
import { toKnownTraceparent } from "../../src/http/Traceparent.ts"

const parts = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"

describe("toKnownTraceparent", () => {
  it.each([`01-${parts}-01`, `01-${parts}-01-more`, `cc-${parts}-01-`, `fe-${parts}-01-what-will-be`])(
    "reads %s by the parts that it shares with version 00",
    (traceparent) => {
      assert.strictEqual(toKnownTraceparent(traceparent), `00-${parts}-01`)
    }
  )

  it("keeps the flags", () => {
    assert.strictEqual(toKnownTraceparent(`01-${parts}-00`), `00-${parts}-00`)
  })

  it.each([
    `00-${parts}-01`,
    `00-${parts}-01-more`,
    `ff-${parts}-01`,
    `01-${parts}-01more`,
    `01-${parts}-1`,
    `01-${parts.toUpperCase()}-01`,
    `1-${parts}-01`,
    `01-${parts}-01-more, 01-${parts}-01`,
    ""
  ])("leaves %s alone", (traceparent) => {
    assert.strictEqual(toKnownTraceparent(traceparent), traceparent)
  })
})
