import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Redis } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { layerServers } from "../support/servers.ts"

describe("appended_up_to.lua", () => {
  it.live("counts what was ever appended up to an entry, however much came after it", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const { stream } = yield* StreamSettings
      const ask = <A>(question: () => Promise<A>) => Effect.promise(question)
      const append = (ids: string) =>
        ask(() => client.eval(`for index = 1, 2500 do redis.call('XADD', KEYS[1], ${ids}, 'v', '') end`, 1, stream))
      yield* append("'1-' .. index")
      yield* append("'2-' .. index")
      assert.strictEqual(yield* ask(() => client.appendedUpTo(stream, "1-2500")), 2_500)
      assert.strictEqual(yield* ask(() => client.appendedUpTo(stream, "1-2000")), 2_000)
      yield* ask(() => client.xtrim(stream, "MINID", "1-2001"))
      assert.strictEqual(yield* ask(() => client.appendedUpTo(stream, "1-2000")), 2_000)
    }).pipe(Effect.provide(layerServers()))
  )
})
