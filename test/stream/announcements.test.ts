import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Announcements, channelOf } from "../../src/stream/Announcements.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { eventually, layerServers } from "../support/servers.ts"

describe("announcements", () => {
  it.live("come to who listens, and to no process in which nobody does", () =>
    Effect.gen(function* () {
      const { announce, listen } = yield* Announcements
      const { client } = yield* Redis
      const { stream } = yield* StreamSettings
      const [poll, tally] = [channelOf(stream, "poll"), channelOf(stream, "tally")]
      const subscribed = Effect.promise(() => client.pubsub("NUMSUB", poll, tally))
      const heard: Array<string> = []
      yield* listen("poll", (slug) => heard.push(slug))
      yield* eventually(Effect.map(subscribed, (all) => assert.deepStrictEqual(all, [poll, 1, tally, 0])))
      yield* announce("poll", "first")
      yield* eventually(Effect.sync(() => assert.deepStrictEqual(heard, ["first"])))
      yield* listen("tally", (slug) => heard.push(slug))
      yield* eventually(Effect.map(subscribed, (all) => assert.deepStrictEqual(all, [poll, 1, tally, 1])))
      yield* announce("tally", "second")
      yield* eventually(Effect.sync(() => assert.deepStrictEqual(heard, ["first", "second"])))
    }).pipe(Effect.scoped, Effect.provide(layerServers()))
  )
})
