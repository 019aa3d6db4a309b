import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { ConsumerSettings } from "../../src/consumer/ConsumerSettings.ts"
import type { EntryBatch } from "../../src/consumer/EntryBatch.ts"
import { ensureGroup, type Position } from "../../src/consumer/Reader.ts"
import { makeVoteId } from "../../src/domain/Vote.ts"
import { type Connection, command, Redis } from "../../src/stream/Redis.ts"
import { StreamSettings } from "../../src/stream/StreamSettings.ts"
import { encodeVote } from "../../src/stream/VoteEntry.ts"
import { collectLog } from "../support/collectLog.ts"
import { entriesOf } from "../support/entries.ts"
import { readerOf } from "../support/readers.ts"
import { eventually, layerServers, testSettings } from "../support/servers.ts"

const fieldsOf = (option: string, poll = "cats-or-dogs") =>
  encodeVote({ voteId: makeVoteId(), poll, choice: option, castAt: 1 })

const choicesOf = (batch: EntryBatch) => entriesOf(batch).map(({ fields, vote }) => vote?.choice ?? fields)

/** A stream with a group, and a consumer's connection to it. */
const makeStreamOf = Effect.fnUntraced(function* (batchSize: number) {
  const redis = yield* Redis
  const { group, stream } = yield* StreamSettings
  yield* ensureGroup(redis.client, stream, group)
  const connection = yield* redis.dedicated("reader")
  yield* eventually(command(() => connection.ping()))
  const reader = yield* readerOf(connection, { consumer: "reader", batchSize, blockMs: 500 })
  return {
    connection,
    append: (fields: ReadonlyArray<string>) => command(() => redis.client.xadd(stream, "*", ...fields)),
    remove: (id: string | null) => command(() => redis.client.xdel(stream, `${id}`)),
    read: (position: Position = "new") => reader.read(position)
  }
})

const makeStream = makeStreamOf(1_000)

const servers = layerServers()

describe("a reader", () => {
  it.effect("waits until the moment at which all of a process's reads end that nothing came to", () =>
    Effect.gen(function* () {
      const sent: Array<unknown> = []
      const connection = {
        xreadgroup: (...args: ReadonlyArray<unknown>) => {
          sent.push(args[args.indexOf("BLOCK") + 1])
          return Promise.resolve(null)
        }
      } as unknown as Connection
      const { read } = yield* readerOf(connection, { consumer: "reader", blockMs: 500, fastRead: false })
      yield* TestClock.adjust(1_120)
      yield* read("new")
      // What is shown then has no BLOCK.
      const shown = "GROUP"
      assert.deepStrictEqual(sent.splice(0), [380, shown])
      // It is shown again after every other read.
      for (const _ of [1, 2]) {
        yield* TestClock.adjust(500)
        yield* read("new")
      }
      assert.deepStrictEqual(sent, [380, 380, shown])
    }).pipe(
      Effect.provide([Layer.succeed(StreamSettings, testSettings()), Layer.succeed(ConsumerSettings, testSettings())])
    )
  )

  it.live("reads votes from the socket, and what else the stream holds", () =>
    Effect.gen(function* () {
      const { append, read } = yield* makeStream
      yield* append(fieldsOf("cats"))
      yield* append(["something", "else"])
      yield* append(fieldsOf("dogs"))
      assert.deepStrictEqual(choicesOf(yield* read()), ["cats", ["something", "else"], "dogs"])
      assert.deepStrictEqual((yield* read()).ids, [])
      yield* append([...fieldsOf("dogs"), "later", "x"])
      const { others } = yield* read()
      assert.include(others[0]?.fields ?? [], "later")
    }).pipe(Effect.scoped, Effect.provide(servers))
  )

  it.live("reads on where a batch has few votes in each of many polls, up to four times as many entries", () =>
    Effect.gen(function* () {
      const { append, connection, read } = yield* makeStreamOf(10)
      const choices = Array.from({ length: 80 }, (_, index) => `choice-${index}`)
      const polls = choices.map((_, index) => (index < 70 ? `poll-${index % 10}` : "one"))
      for (const [index, choice] of choices.entries()) {
        yield* append(index === 15 || index === 45 ? ["something", "else"] : fieldsOf(choice, polls[index]))
      }
      const expected = choices.map((choice, index) => (index === 15 || index === 45 ? ["something", "else"] : choice))
      assert.deepStrictEqual(choicesOf(yield* read()), expected.slice(0, 40))
      // The client has to read what is sent for before a pong has come.
      connection.stream.once("data", () => void connection.ping())
      const { ids, others, votes } = yield* read()
      assert.deepStrictEqual([ids.length, votes.length, others.length], [20, 9, 11])
      assert.deepStrictEqual(
        others.map(({ fields }) => fields?.[7] ?? fields),
        [["something", "else"], ...choices.slice(50, 60)]
      )
      assert.deepStrictEqual(choicesOf(yield* read()), expected.slice(60))
      assert.deepStrictEqual((yield* read()).ids, [])
    }).pipe(Effect.scoped, Effect.provide(servers))
  )

  it.live("reads all again after a connection that was lost while it read on", () =>
    Effect.gen(function* () {
      const { append, connection, read } = yield* makeStreamOf(10)
      const choices = Array.from({ length: 40 }, (_, index) => `choice-${index}`)
      for (const [index, choice] of choices.entries()) yield* append(fieldsOf(choice, `poll-${index}`))
      connection.stream.once("data", () => connection.stream.once("data", () => connection.stream.destroy()))
      const error = yield* Effect.flip(read())
      assert.strictEqual(error.part, "redis")
      const first = yield* eventually(read({ pendingAfter: "0" }))
      assert.deepStrictEqual(choicesOf(first), choices.slice(0, 10))
      assert.deepStrictEqual(choicesOf(yield* read({ pendingAfter: `${first.ids.at(-1)}` })), choices.slice(10, 20))
    }).pipe(Effect.scoped, Effect.provide(servers))
  )

  it.live("reads again what was not acked, and tells what the stream no longer holds", () =>
    Effect.gen(function* () {
      const { append, read, remove } = yield* makeStream
      const gone = yield* append(fieldsOf("cats"))
      yield* append(fieldsOf("dogs"))
      assert.strictEqual((yield* read()).ids.length, 2)
      yield* remove(gone)
      assert.deepStrictEqual(choicesOf(yield* read({ pendingAfter: "0" })), [null, "dogs"])
    }).pipe(Effect.scoped, Effect.provide(servers))
  )

  it.live("reads all again after a connection that was lost in the middle of an answer", () =>
    Effect.gen(function* () {
      const { append, connection, read } = yield* makeStream
      const options = Array.from({ length: 999 }, (_, index) => (index % 3 === 0 ? "cats" : "dogs"))
      yield* Effect.forEach(options, (option) => append(fieldsOf(option)), { concurrency: 100 })
      yield* append(fieldsOf("birds"))
      assert.deepStrictEqual((yield* read({ pendingAfter: "0" })).ids, [])
      // What the socket brings at once is far less than the whole.
      connection.stream.once("data", () => connection.stream.destroy())
      const error = yield* Effect.flip(read())
      assert.strictEqual(error.part, "redis")
      assert.deepStrictEqual(choicesOf(yield* eventually(read({ pendingAfter: "0" }))), [...options, "birds"])
      assert.deepStrictEqual((yield* read()).ids, [])
    }).pipe(Effect.scoped, Effect.provide(servers))
  )

  it.live.each([
    { what: "its group alone, which holds all votes still", destroy: "group", alarms: 0 },
    { what: "the stream, with what was not counted", destroy: "stream", alarms: 1 }
  ] as const)("raises an alarm only where votes are gone: $what", ({ alarms, destroy }) =>
    Effect.gen(function* () {
      const log = collectLog()
      yield* Effect.gen(function* () {
        const redis = yield* Redis
        const { group, stream } = yield* StreamSettings
        const { append, read } = yield* makeStream
        yield* append(fieldsOf("cats"))
        yield* append(fieldsOf("dogs"))
        assert.strictEqual((yield* read()).ids.length, 2)
        const reading = yield* Effect.forkChild(read())
        yield* Effect.sleep("100 millis")
        yield* command(() =>
          destroy === "group" ? redis.client.xgroup("DESTROY", stream, group) : redis.client.del(stream)
        )
        assert.deepStrictEqual((yield* Fiber.join(reading)).ids, [])
        yield* append(fieldsOf("birds"))
        const again = choicesOf(yield* eventually(Effect.filterOrFail(read(), ({ ids }) => ids.length > 0)))
        assert.deepStrictEqual(again, destroy === "group" ? ["cats", "dogs", "birds"] : ["birds"])
      }).pipe(Effect.scoped, Effect.provide(log.layer))
      assert.lengthOf(log.like(/ALARM/), alarms, log.lines.join("\n"))
    }).pipe(Effect.provide(servers))
  )

  it.live("leaves other answers to the client, before its own and after", () =>
    Effect.gen(function* () {
      const { append, connection, read } = yield* makeStream
      yield* append(fieldsOf("cats"))
      const pong = connection.ping("first")
      const { others } = yield* read()
      assert.strictEqual(yield* Effect.promise(() => pong), "first")
      // The client has read these, since its answer was still to come.
      assert.strictEqual(others.length, 1)
      yield* append(fieldsOf("dogs"))
      const reading = yield* Effect.forkChild(read())
      yield* Effect.yieldNow
      const after = connection.ping("after")
      assert.deepStrictEqual(choicesOf(yield* Fiber.join(reading)), ["dogs"])
      assert.strictEqual(yield* Effect.promise(() => after), "after")
      assert.strictEqual(yield* command(() => connection.ping("later")), "later")
    }).pipe(Effect.scoped, Effect.provide(servers))
  )
})
