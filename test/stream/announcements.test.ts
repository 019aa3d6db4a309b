import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { startRedis } from "../../src/embedded/RedisServer.ts"
import { layerRedis } from "../../src/layers/RedisClient.ts"
import { Announcements, channelOf } from "../../src/stream/Announcements.ts"
import { type Connection, Redis } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { withRedis } from "../chaos/group.ts"
import { own } from "../e2e/ownServer.ts"
import { patiently } from "../e2e/site.ts"
import { collectLog } from "../support/collectLog.ts"
import { eventually, layerServers, testSettings } from "../support/servers.ts"

describe("announcements", () => {
  it.live("come to who listens, and to no process in which nobody does", () =>
    Effect.gen(function* () {
      const { announce, listen } = yield* Announcements
      const { client } = yield* Redis
      const { stream } = yield* StreamSettings
      const [poll, tally] = [channelOf(stream, "poll"), channelOf(stream, "tally")]
      const subscribed = Effect.promise(() => client.pubsub("NUMSUB", poll, tally))
      const heard: Array<string | undefined> = []
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

  it.live("may have been lost with the connection, which listeners are told once there is another one", () =>
    Effect.gen(function* () {
      const redis = yield* Redis
      const connections: Array<Connection> = []
      const kept: Redis["Service"] = {
        ...redis,
        listener: (name) => Effect.tap(redis.listener(name), (made) => Effect.sync(() => connections.push(made)))
      }
      yield* Effect.gen(function* () {
        const { announce, listen } = yield* Announcements
        const heard: Array<string | undefined> = []
        yield* listen("poll", (slug) => heard.push(slug))
        const hears = (...all: ReadonlyArray<string | undefined>) =>
          Effect.andThen(
            announce("poll", "heard"),
            Effect.sync(() => assert.deepStrictEqual(new Set(heard), new Set(all)))
          )
        yield* eventually(hears("heard"))
        connections[0]?.disconnect(true)
        yield* announce("poll", "lost")
        yield* eventually(Effect.sync(() => assert.include(heard, undefined)))
        assert.lengthOf(
          heard.filter((slug) => slug === undefined),
          1
        )
        yield* hears("heard", undefined)
      }).pipe(Effect.provide(Layer.provide(Layer.fresh(Announcements.layer), Layer.succeed(Redis, kept))))
    }).pipe(Effect.scoped, Effect.provide(layerServers()))
  )

  it.live("are told to be refused, and come once they are not", () =>
    Effect.gen(function* () {
      const server = yield* own(startRedis)
      const may = (channels: string) =>
        Effect.promise(() =>
          withRedis(Redacted.value(server.url), (client) =>
            client.call("ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all", "resetchannels", channels)
          )
        )
      yield* may("&others")
      const url = new URL(Redacted.value(server.url))
      Object.assign(url, { username: "app", password: "secret" })
      const log = collectLog()
      const servers = Layer.mergeAll(layerRedis(Redacted.make(url.href)), Layer.succeed(StreamSettings, testSettings()))
      yield* Effect.gen(function* () {
        const { announce, listen } = yield* Announcements
        const heard: Array<string | undefined> = []
        yield* listen("poll", (slug) => heard.push(slug))
        const refusals = () => log.like(/^ERROR Can't announce what changes: NOPERM .*channels votes.*:\*/)
        yield* eventually(Effect.sync(() => assert.lengthOf(refusals(), 1)))
        yield* announce("poll", "unheard")
        yield* may("&*")
        // What is refused is asked for again after a while.
        yield* patiently(
          Effect.andThen(
            announce("poll", "heard"),
            Effect.sync(() => assert.include(heard, "heard"))
          )
        )
        assert.lengthOf(refusals(), 1)
        assert.lengthOf(log.like(/Announcing what changes again/), 1)
      }).pipe(Effect.provide(Announcements.layer.pipe(Layer.provideMerge(servers))), Effect.provide(log.layer))
    }).pipe(Effect.scoped)
  )
})
