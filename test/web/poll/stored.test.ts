import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { maxPending, parseStored, type Stored } from "../../../src/web/poll/stored.ts"

const [choice, key] = ["pears", "9b2f6f2e-0c3d-4f0e-8a86-3d1c8e4f1a2b"]
const mine = {
  choice,
  voteId: "01a20ce8-7c00-7000-8000-000000000001",
  streamId: "1795512913929-0",
  key,
  status: "counted"
}
const nothing: Stored = { pending: [], sent: 0 }

const Json = Schema.Union([Schema.Json, Schema.Record(Schema.Literals(["pending", "mine", "sent"]), Schema.Json)])
/** What is right, with any part of it replaced or taken away. */
const Almost = Schema.Struct({
  pending: Schema.Array(Schema.Struct({ choice: Schema.Json, key: Schema.Json, at: Schema.Json })),
  mine: Schema.Struct({
    choice: Schema.Json,
    voteId: Schema.Union([Schema.Literal(mine.voteId), Schema.Json]),
    streamId: Schema.Union([Schema.Literal(mine.streamId), Schema.Json]),
    key: Schema.Union([Schema.Literal(key), Schema.Json]),
    status: Schema.Union([Schema.Literal("queued"), Schema.Json])
  }),
  sent: Schema.Json
})

/** The types say it, but what was stored knows nothing of types. */
const isSound = ({ mine, pending, sent }: Stored): boolean =>
  pending.length <= maxPending &&
  pending.every((one) => typeof one.choice === "string" && /^[!-~]{1,255}$/.test(one.key)) &&
  (mine === undefined ||
    [mine.choice, mine.voteId, mine.streamId, mine.status].every((one) => typeof one === "string")) &&
  Number.isSafeInteger(sent) &&
  sent >= 0

describe("what a browser has stored of a poll", () => {
  it("is read as it was written", () => {
    const stored = { pending: [{ choice, key }], mine, sent: 3 }
    assert.deepStrictEqual<unknown>(parseStored(JSON.stringify(stored)), stored)
  })

  it.each([null, "", "null", "[]", "0", '"text"', "{", "undefined", '{"pending":null,"mine":null,"sent":null}'])(
    "is nothing where it is %j",
    (text) => assert.deepStrictEqual(parseStored(text), nothing)
  )

  it("is what can be used of it", () => {
    const parts = { pending: [null, { choice }, { choice, key: "" }, { choice, key: "ä" }, { choice, key }], sent: -1 }
    assert.deepStrictEqual(parseStored(JSON.stringify({ ...parts, mine: { ...mine, voteId: "../../x" } })), {
      pending: [{ choice, key }],
      sent: 0
    })
    const former = { pending: { choice, key }, mine }
    assert.deepStrictEqual<unknown>(parseStored(JSON.stringify(former)), { pending: [], mine, sent: 0 })
    const many = Array.from({ length: 1_000 }, () => ({ choice, key }))
    assert.lengthOf(parseStored(JSON.stringify({ pending: many })).pending, maxPending)
  })

  it("is not what was cast or accepted before the poll opened, in a deleted one that had its slug", () => {
    const text = JSON.stringify({ pending: [{ choice, key }], mine, sent: 3 })
    const accepted = 1795512913929
    assert.deepStrictEqual<unknown>(parseStored(text, accepted), { pending: [{ choice, key }], mine, sent: 3 })
    assert.deepStrictEqual(parseStored(text, accepted + 1), { pending: [{ choice, key }], sent: 0 })
    const waiting = { pending: [{ choice, key, at: accepted }], sent: 0 }
    assert.deepStrictEqual(parseStored(JSON.stringify(waiting), accepted), waiting)
    assert.deepStrictEqual(parseStored(JSON.stringify(waiting), accepted + 1), nothing)
  })

  it.effect.prop("can be anything", [Schema.Union([Json, Almost])], ([value]) =>
    Effect.sync(() => assert.isTrue(isSound(parseStored(JSON.stringify(value)))))
  )

  it.effect.prop("need not be JSON", [Schema.String], ([text]) =>
    Effect.sync(() => assert.isTrue(isSound(parseStored(text))))
  )
})
