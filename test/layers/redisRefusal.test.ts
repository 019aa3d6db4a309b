import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Redis as IoRedis } from "ioredis"
import { startRedis } from "../../src/embedded/RedisServer.ts"
import { layerRedis } from "../../src/layers/RedisClient.ts"
import { command, isReply, Redis } from "../../src/stream/Redis.ts"
import { withRedis } from "../chaos/group.ts"
import { own } from "../e2e/ownServer.ts"
import { collectLog } from "../support/collectLog.ts"
import { eventually, quiet } from "../support/servers.ts"

describe("a Redis that has no place for another connection", () => {
  it.live("is told as that, as is what there is no connection for, and used once it has a place", () =>
    Effect.gen(function* () {
      const server = yield* own((options) => startRedis({ ...options, more: ["maxclients 1"] }))
      const other = new IoRedis(Redacted.value(server.url), { retryStrategy: () => null })
      yield* Effect.promise(() => other.ping())
      const log = collectLog()
      yield* Effect.gen(function* () {
        const { client } = yield* Redis
        const ping = command(() => client.ping())
        // Redis says it, and may have closed the connection before that is read.
        yield* eventually(Effect.sync(() => assert.lengthOf(log.like(/maxclients|max number of clients/), 1)))
        assert.match((yield* Effect.flip(ping)).message, /: (There is no connection|The connection was lost)$/)
        other.disconnect()
        yield* eventually(ping)
      }).pipe(Effect.provide(layerRedis(server.url)), Effect.provide(log.layer))
    }).pipe(Effect.scoped)
  )
})

const appendScript = readFileSync(new URL("../../src/stream/scripts/append.lua", import.meta.url), "utf8")

/** What votes are refused without; what keys hold of memory is only noted for those that are appended. */
const neededByVotes = [...appendScript.matchAll(/redis\.p?call\('(\w+)'/g)]
  .map(([, name = ""]) => name.toLowerCase())
  .filter((name) => !["hincrby", "pexpireat"].includes(name))

describe("a Redis whose user lacks a command", () => {
  it.live("is found out without a vote, whichever of a vote's commands it is", () =>
    Effect.gen(function* () {
      const server = yield* own(startRedis)
      const admin = (...rules: ReadonlyArray<string>) =>
        Effect.promise(() => withRedis(Redacted.value(server.url), (client) => client.acl("SETUSER", "app", ...rules)))
      yield* admin("on", ">password", "~*", "&*", "+@all")
      const url = Object.assign(new URL(Redacted.value(server.url)), { username: "app", password: "password" })
      yield* Effect.gen(function* () {
        const { client } = yield* Redis
        const check = command(() => client.canAppend("votes:absent", "votes"))
        yield* eventually(check)
        for (const name of new Set(neededByVotes)) {
          yield* admin(`-${name}`)
          const refusal = yield* Effect.flip(check)
          assert.match(refusal.message, new RegExp(`lacks a command .* ACL LOG|'${name}' command`))
          yield* admin(`+${name}`)
          yield* check
        }
      }).pipe(Effect.provide(layerRedis(Redacted.make(url.href))), Effect.provide(quiet))
    }).pipe(Effect.scoped)
  )

  it.live("refuses a script that runs it, which says where the command is named", () =>
    Effect.gen(function* () {
      const server = yield* own(startRedis)
      const rules = ["on", ">password", "~*", "&*", "+@all", "-time"]
      yield* Effect.promise(() =>
        withRedis(Redacted.value(server.url), (client) => client.acl("SETUSER", "app", ...rules))
      )
      const url = Object.assign(new URL(Redacted.value(server.url)), { username: "app", password: "password" })
      yield* Effect.gen(function* () {
        const { client } = yield* Redis
        yield* eventually(command(() => client.ping()))
        const refusal = yield* Effect.flip(command(() => client.closingTime("votes")))
        assert.match(
          refusal.message,
          /lacks a command .* ACL LOG names it|has no permissions to run the 'time' command/
        )
        assert.isTrue(isReply(refusal))
      }).pipe(Effect.provide(layerRedis(Redacted.make(url.href))), Effect.provide(quiet))
    }).pipe(Effect.scoped)
  )
})
