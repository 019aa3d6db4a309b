import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { infoRecord } from "../../src/stream/HeldEntries.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { scripts } from "../../src/stream/Scripts.ts"
import { uniqueName } from "../support/names.ts"
import { layerServers } from "../support/servers.ts"

/** Some time, in ms: that of Redis's clock here. */
const now = 1_764_000_000_123

const { lua } = scripts.closingTime
const atNow = lua.replace("redis.call('TIME')", `{ ${Math.floor(now / 1000)}, ${(now % 1000) * 1000} }`)

/** Asks for a time to close at, of a stream whose last entry has this id; returns it, and the last id that the stream has then. */
const closingTimeAfter = (last?: string) =>
  Effect.gen(function* () {
    const { client } = yield* Redis
    const stream = uniqueName("votes")
    yield* Effect.addFinalizer(() => Effect.promise(() => client.del(stream)))
    return yield* Effect.promise(async () => {
      if (last !== undefined) await client.xadd(stream, last, "v", "1")
      const time = await client.eval(atNow, 1, stream)
      const info = (await client.xinfo("STREAM", stream).catch(() => [])) as ReadonlyArray<unknown>
      return [Number(time), infoRecord(info)["last-generated-id"]]
    })
  }).pipe(Effect.scoped, Effect.provide(layerServers()))

describe("closing_time.lua", () => {
  it("asks Redis for the time, which is made up here", () => {
    assert.notStrictEqual(atNow, lua)
  })

  it.live("is the time by Redis's clock, where all entries are before that", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* closingTimeAfter(`${now - 1}-9`), [now, `${now - 1}-9`])
      assert.deepStrictEqual(yield* closingTimeAfter(), [now, undefined])
    })
  )

  it.live("is a ms later than an entry of the same ms, which is in time, and so is the next id", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* closingTimeAfter(`${now}-0`), [now + 1, `${now + 1}-0`])
    })
  )

  it.live("is after the last id where that is ahead of the clock", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* closingTimeAfter(`${now + 60_000}-4`), [now + 60_001, `${now + 60_001}-0`])
    })
  )
})
