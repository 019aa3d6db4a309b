import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { layerRedis } from "../../src/layers/RedisClient.ts"
import { cameFrom } from "../../src/layers/SecretFile.ts"
import { command, Redis } from "../../src/stream/Redis.ts"
import { withRedis } from "../chaos/group.ts"
import { ownRedis } from "../e2e/ownServer.ts"
import { temporaryFolder } from "../support/certificates.ts"
import { RedisCluster } from "../support/cluster.ts"
import { collectLog } from "../support/collectLog.ts"
import { sentinelSetup } from "../support/sentinels.ts"
import { eventually } from "../support/servers.ts"

/** A file whose text is the URL that is returned. */
const urlFile = Effect.map(temporaryFolder, (folder) => {
  const path = join(folder, "redis-url")
  const write = (url: string) => writeFileSync(path, `${url}\n`)
  const read = (url: string) => {
    write(url)
    const secret = Redacted.make(url)
    cameFrom(secret, path)
    return secret
  }
  return { path, read, write }
})

/** Opens connections of every sort, which are pinged one by one. */
const connections = Effect.fnUntraced(function* (url: Redacted.Redacted, log: ReturnType<typeof collectLog>) {
  const redis = Context.get(yield* Layer.build(layerRedis(url).pipe(Layer.provide(log.layer))), Redis)
  const [reader, listener] = [yield* redis.dedicated("reader", "key"), yield* redis.listener("listener")]
  const all = () => [redis.client, redis.clientOf("key"), reader, listener]
  return {
    redis,
    expectUp: eventually(
      Effect.suspend(() => Effect.forEach(all(), (each) => command(() => each.ping()), { discard: true }))
    ),
    expectDown: Effect.suspend(() =>
      Effect.forEach(all(), (each) => Effect.flip(command(() => each.ping())), { discard: true })
    )
  }
})

const admin = (urls: ReadonlyArray<string>, ...commands: ReadonlyArray<readonly [string, ...ReadonlyArray<string>]>) =>
  Effect.promise(async () => {
    for (const url of urls) {
      await withRedis(url, async (client) => {
        for (const [name, ...args] of commands) await client.call(name, ...args)
      })
    }
  })

/** What a user who votes and counts may do. */
const allowed = ["~*", "&*", "+@all"]

/** A URL with a user and a password in place of those that it has. */
const by = (url: string, user: string, password: string) => url.replace(/:\/\/[^@]*@/g, `://${user}:${password}@`)

const setups = {
  "a Redis": Effect.map(ownRedis, ({ url }) => ({ servers: [Redacted.value(url)], url: Redacted.value(url) })),
  "a cluster": Effect.map(Effect.map(Layer.build(RedisCluster.layer), Context.get(RedisCluster)), ({ nodes, url }) => ({
    servers: nodes.map((node) => Redacted.value(node.url)),
    // The others are found.
    url: Redacted.value(url).split(",").slice(0, 2).join(",")
  })),
  sentinels: Effect.map(sentinelSetup, ({ master, sentinels, urlOf }) => ({
    servers: [master.url],
    url: Redacted.value(urlOf(...sentinels.map(({ port }) => port)))
  }))
}

describe("the URL of Redis in a file", () => {
  it.live.each(Object.entries(setups))(
    "is read again for each connection, so that a password can be replaced: %s",
    ([, setup]) =>
      Effect.gen(function* () {
        const { servers, url } = yield* setup
        const file = yield* urlFile
        const log = collectLog()
        yield* admin(servers, ["ACL", "SETUSER", "app", "on", ">one", ...allowed])
        const { expectDown, expectUp } = yield* connections(file.read(by(url, "app", "one")), log)
        yield* expectUp
        // It goes on with what it knows, as long as that works.
        rmSync(file.path)
        yield* admin(servers, ["CLIENT", "KILL", "USER", "app"])
        yield* expectUp

        yield* admin(servers, ["ACL", "SETUSER", "app", "resetpass", ">two"], ["CLIENT", "KILL", "USER", "app"])
        yield* eventually(Effect.sync(() => assert.isNotEmpty(log.like(/^WARN Redis \(tallykeep.*WRONGPASS/))))
        yield* expectDown
        file.write("redis://what is this?")
        yield* expectDown
        file.write(by(url, "app", "two"))
        yield* expectUp
        assert.notMatch(log.lines.join("\n"), /\b(one|two)\b/)
      }).pipe(Effect.scoped)
  )

  it.live("leads to another user, another database, another server", () =>
    Effect.gen(function* () {
      const [first, second] = [Redacted.value((yield* ownRedis).url), Redacted.value((yield* ownRedis).url)]
      const file = yield* urlFile
      const { expectUp, redis } = yield* connections(file.read(`${first}/2`), collectLog())
      const { client } = redis
      yield* expectUp
      yield* command(() => client.set("key", "two"))

      yield* admin([first], ["CONFIG", "SET", "requirepass", "another"])
      file.write(by(`${first}/3`, "", "another"))
      const now = by(first, "", "another")
      yield* admin([now], ["CLIENT", "KILL", "TYPE", "normal"])
      yield* expectUp
      assert.isNull(yield* command(() => client.get("key")))
      yield* command(() => client.set("key", "three"))
      assert.strictEqual(yield* Effect.promise(() => withRedis(`${now}/2`, (direct) => direct.get("key"))), "two")
      assert.strictEqual(yield* Effect.promise(() => withRedis(`${now}/3`, (direct) => direct.get("key"))), "three")

      file.write(second)
      yield* admin([now], ["CLIENT", "KILL", "TYPE", "normal"])
      yield* expectUp
      yield* command(() => client.set("key", "elsewhere"))
      assert.strictEqual(yield* Effect.promise(() => withRedis(second, (direct) => direct.get("key"))), "elsewhere")
    }).pipe(Effect.scoped)
  )
})
