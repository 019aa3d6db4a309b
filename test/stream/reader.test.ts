import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { encodeVote, makeVoteId } from "../../src/domain/Vote.ts"
import { type Entry, isVote } from "../../src/stream/Entry.ts"
import { ensureGroup, type Position, readEntries } from "../../src/stream/Reader.ts"
import { command, Redis } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { eventually, layerServers } from "../support/servers.ts"

const fieldsOf = (option: string) =>
  encodeVote({ voteId: makeVoteId(), poll: "cats-or-dogs", option, castAt: 1 }).map(String)

const optionsOf = (entries: ReadonlyArray<Entry>) =>
  entries.map((entry) => (isVote(entry) && entry.fields === undefined ? entry.option : entry.fields))

/** A stream with a group, and a consumer's connection to it. */
const makeReader = Effect.gen(function* () {
  const redis = yield* Redis
  const settings = yield* StreamSettings
  const { group, stream } = settings
  yield* ensureGroup(redis.client, stream, group)
  const connection = yield* redis.dedicated("reader")
  yield* eventually(command(() => connection.ping()))
  const options = { ...settings, consumer: "reader", batchSize: 1_000, blockMs: 500 }
  return {
    connection,
    append: (fields: ReadonlyArray<string>) => command(() => redis.client.xadd(stream, "*", ...fields)),
    remove: (id: string | null) => command(() => redis.client.xdel(stream, `${id}`)),
    read: (position: Position = "new") => readEntries(connection, options, position)
  }
})

const servers = layerServers()

describe("readEntries", () => {
  it.live("reads votes from the socket, and what else the stream holds", () =>
    Effect.gen(function* () {
      const { append, read } = yield* makeReader
      yield* append(fieldsOf("cats"))
      yield* append(["something", "else"])
      yield* append(fieldsOf("dogs"))
      assert.deepStrictEqual(optionsOf(yield* read()), ["cats", ["something", "else"], "dogs"])
      assert.deepStrictEqual(yield* read(), [])
      yield* append([...fieldsOf("dogs"), "later", "x"])
      const [later] = yield* read()
      assert.include(later?.fields ?? [], "later")
    }).pipe(Effect.scoped, Effect.provide(servers))
  )

  it.live("reads again what was not acked, and tells what the stream no longer holds", () =>
    Effect.gen(function* () {
      const { append, read, remove } = yield* makeReader
      const gone = yield* append(fieldsOf("cats"))
      yield* append(fieldsOf("dogs"))
      assert.strictEqual((yield* read()).length, 2)
      yield* remove(gone)
      assert.deepStrictEqual(optionsOf(yield* read({ pendingAfter: "0" })), [null, "dogs"])
    }).pipe(Effect.scoped, Effect.provide(servers))
  )

  it.live("leaves other answers to the client, before its own and after", () =>
    Effect.gen(function* () {
      const { append, connection, read } = yield* makeReader
      yield* append(fieldsOf("cats"))
      const pong = connection.ping("first")
      const entries = yield* read()
      assert.strictEqual(yield* Effect.promise(() => pong), "first")
      // The client has read these, since its answer was still to come.
      assert.deepStrictEqual(entries.map(isVote), [false])
      yield* append(fieldsOf("dogs"))
      const reading = yield* Effect.forkChild(read())
      yield* Effect.yieldNow
      const after = connection.ping("after")
      assert.deepStrictEqual(optionsOf(yield* Fiber.join(reading)), ["dogs"])
      assert.strictEqual(yield* Effect.promise(() => after), "after")
    }).pipe(Effect.scoped, Effect.provide(servers))
  )
})
