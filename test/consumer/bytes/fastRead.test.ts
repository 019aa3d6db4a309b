import { EventEmitter } from "node:events"
import { assert, describe, it, layer } from "@effect/vitest"
import { Context, Effect, Layer, Logger, References, Schema } from "effect"
import { type FastRead, makeFastRead, makePlainReadLog } from "../../../src/consumer/bytes/FastRead.ts"
import type { EntryBatch } from "../../../src/consumer/EntryBatch.ts"
import { ensureGroup, type Position } from "../../../src/consumer/Reader.ts"
import { recordBatch } from "../../../src/consumer/RecordBatch.ts"
import { choicePattern } from "../../../src/domain/Choice.ts"
import { PollSlug } from "../../../src/domain/Poll.ts"
import { makeVoteId } from "../../../src/domain/Vote.ts"
import { type DeadEntry, Ledger } from "../../../src/ledger/Ledger.ts"
import type { AcceptedVote } from "../../../src/ledger/VoteColumns.ts"
import { type Connection, command, Redis } from "../../../src/stream/Redis.ts"
import { StreamSettings } from "../../../src/stream/StreamSettings.ts"
import { encodeVote } from "../../../src/stream/VoteEntry.ts"
import { readerOf } from "../../support/readers.ts"
import { eventually, layerServers } from "../../support/servers.ts"

type Fields = ReadonlyArray<string | Buffer>

const names = Schema.Literals(["v", "vote_id", "poll", "option", "cast_at", "voter", "n", "traceparent"])
const values = Schema.Literals(["1", "2", "cats", "0", "019845e1-682f-7b02-a706-3b2422d13aec", "\u0000", "é"])

const Choice = Schema.String.check(Schema.isPattern(choicePattern))

/** Votes, votes with one text of theirs replaced, and fields that are wrong in all ways. */
const Generated = Schema.Array(
  Schema.Struct({
    vote: Schema.Struct({
      poll: PollSlug,
      choice: Choice,
      castAt: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e15 - 1 })),
      voter: Schema.optionalKey(Schema.Literals(["YW5u", "no base64url"]))
    }),
    change: Schema.Union([
      Schema.Literals(["none", "bytes", "trace", "n"]),
      Schema.Struct({ at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 11 })), text: Schema.String }),
      Schema.Struct({
        pairs: Schema.NonEmptyArray(
          Schema.Tuple([Schema.Union([names, Schema.String]), Schema.Union([values, Schema.String])])
        )
      })
    ]),
    deleted: Schema.Boolean
  })
)

const fieldsOf = ({ change, vote }: (typeof Generated.Type)[number]): Fields => {
  const fields = encodeVote(
    { ...vote, voteId: makeVoteId() },
    change === "trace" ? { traceparent: "00-1-2-01" } : change === "n" ? { n: "AAAAAAAAAAAAAAAAAAAAAA" } : undefined
  )
  if (change === "bytes") return [...fields.slice(0, -1), Buffer.from([0xff, 0xfe, 0x00])]
  if (typeof change === "string") return fields
  return "at" in change ? fields.with(change.at % fields.length, change.text) : change.pairs.flat()
}

/** Has what comes from a connection's socket come in pieces that end at the given places. */
const cutAt = (connection: Connection) => {
  const { stream } = connection
  const emit = stream.emit.bind(stream)
  const state = { cuts: [0] as ReadonlyArray<number>, bytes: 0 }
  Object.assign(stream, {
    emit: (event: string, ...args: ReadonlyArray<unknown>) => {
      const [bytes] = args
      if (event !== "data" || !Buffer.isBuffer(bytes)) return emit(event, ...args)
      state.bytes += bytes.length
      const ends = new Set([...state.cuts.map((cut) => cut % bytes.length), bytes.length])
      let from = 0
      for (const end of [...ends].filter((end) => end > 0).toSorted((a, b) => a - b)) {
        emit("data", bytes.subarray(from, end))
        from = end
      }
      return true
    }
  })
  return state
}

const byId = (a: { readonly ms: bigint; readonly seq: bigint }, b: { readonly ms: bigint; readonly seq: bigint }) =>
  Number(a.ms - b.ms) || Number(a.seq - b.seq)

/** Decodes a batch, and returns what would become of it. */
const outcomeOf = Effect.fnUntraced(function* (group: string, batch: EntryBatch) {
  const { stream } = yield* StreamSettings
  const ledger = yield* Ledger
  // What a dead letter is read again with is not what is compared here.
  const client = {
    xrangeBuffer: () => Promise.resolve([]),
    xpending: () => Promise.resolve([])
  } as unknown as Connection
  const counted: Array<AcceptedVote> = []
  const dead: Array<DeadEntry> = []
  const recording = Ledger.of({
    ...ledger,
    count: (votes) =>
      Effect.sync(() => {
        for (let index = 0; index < votes.length; index++) counted.push(votes.at(index))
        return { recorded: [], refusals: [] }
      }),
    bury: (entries) =>
      Effect.sync(() => {
        dead.push(...entries)
        return entries
      })
  })
  const { lost, polls } = yield* recordBatch(recording, client, { stream, group, maxRetries: 1 }, batch)
  return {
    ids: [...batch.ids],
    counted: counted.toSorted(byId),
    dead: dead.toSorted(byId),
    lost,
    polls: [...polls].toSorted()
  }
})

/** A stream with two groups, each of which is given all entries, and a reader of each: one fast and one plain. */
class Readers extends Context.Service<Readers, Effect.Success<typeof makeReaders>>()("test/Readers") {}

const makeReaders = Effect.gen(function* () {
  const redis = yield* Redis
  const { stream } = yield* StreamSettings
  const plainReads = { fast: 0, plain: 0 }
  const make = Effect.fnUntraced(function* (group: "fast" | "plain") {
    const connection = yield* redis.dedicated(group)
    yield* eventually(command(() => connection.ping()))
    const options = { group, consumer: group, batchSize: 1_000, blockMs: 1, fastRead: group === "fast" }
    const reader = yield* readerOf(connection, options, () => Effect.sync(() => plainReads[group]++))
    return {
      connection,
      read: (position: Position) => Effect.flatMap(reader.read(position), (batch) => outcomeOf(group, batch))
    }
  })
  const fast = yield* make("fast")
  const plain = yield* make("plain")
  return {
    fast,
    plain,
    plainReads,
    cuts: cutAt(fast.connection),
    /** Empties the stream. */
    begin: Effect.gen(function* () {
      yield* command(() => redis.client.del(stream))
      for (const group of ["fast", "plain"]) yield* ensureGroup(redis.client, stream, group)
      Object.assign(plainReads, { fast: 0, plain: 0 })
    }),
    append: (fields: Fields, id = "*") => command(() => redis.client.xadd(stream, id, ...fields)),
    remove: (ids: ReadonlyArray<string>) =>
      ids.length === 0 ? Effect.void : command(() => redis.client.xdel(stream, ...ids))
  }
})

const servers = Layer.effect(Readers, makeReaders).pipe(Layer.provideMerge(layerServers()))

layer(servers, { excludeTestServices: true })("the fast path and the plain one", (it) => {
  it.effect.prop(
    "read the same of whatever is in the stream, whatever the pieces that it comes in",
    { entries: Generated, cuts: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5_000 }))) },
    ({ cuts, entries }) =>
      Effect.gen(function* () {
        const readers = yield* Readers
        yield* readers.begin
        readers.cuts.cuts = cuts
        const ids = yield* Effect.forEach(entries, (entry) => readers.append(fieldsOf(entry)), {
          concurrency: "unbounded"
        })
        const vote = { voteId: makeVoteId(), poll: "cats-or-dogs", choice: "cats", castAt: 5 }
        // Beyond what is exact as a number, and what the ledger can hold.
        yield* readers.append(encodeVote(vote), "9007199254740993-1000000000000000")
        yield* readers.append(encodeVote(vote), "9223372036854775808-0")
        assert.deepStrictEqual(yield* readers.fast.read("new"), yield* readers.plain.read("new"))
        yield* readers.remove(ids.flatMap((id, index) => (entries[index]?.deleted && id !== null ? [id] : [])))
        const again = yield* readers.fast.read({ pendingAfter: "0" })
        assert.deepStrictEqual(again, yield* readers.plain.read({ pendingAfter: "0" }))
        assert.strictEqual(again.lost, entries.filter(({ deleted }) => deleted).length)
        assert.deepStrictEqual(readers.plainReads, { fast: 0, plain: 2 })
      })
  )

  it.effect("read the same wherever an answer is cut", () =>
    Effect.gen(function* () {
      const readers = yield* Readers
      yield* readers.begin
      readers.cuts.cuts = []
      const vote = { voteId: makeVoteId(), poll: "cats-or-dogs", choice: "cats", castAt: 1_732_000_000_000 }
      yield* readers.append(encodeVote({ ...vote, voter: "YW5u" }, { traceparent: "00-1-2-01" }))
      const gone = yield* readers.append(encodeVote(vote))
      yield* readers.append(["v", "2", ...encodeVote(vote).slice(2)])
      yield* readers.append(encodeVote({ ...vote, voter: "YW5u" }))
      yield* readers.append([Buffer.from([0xff, 0xfe]), "é"])
      yield* readers.fast.read("new")
      const whole = yield* Effect.andThen(
        readers.plain.read("new"),
        Effect.andThen(readers.remove([`${gone}`]), readers.plain.read({ pendingAfter: "0" }))
      )
      assert.deepInclude(whole, { lost: 1 })
      assert.deepStrictEqual([whole.counted.length, whole.dead.length], [2, 2])
      readers.cuts.bytes = 0
      assert.deepStrictEqual(yield* readers.fast.read({ pendingAfter: "0" }), whole)
      const { bytes } = readers.cuts
      assert.isAbove(bytes, 400)
      for (let cut = 1; cut < bytes; cut++) {
        readers.cuts.cuts = [cut]
        assert.deepStrictEqual(yield* readers.fast.read({ pendingAfter: "0" }), whole, `cut at ${cut}`)
      }
      assert.deepStrictEqual(yield* readers.fast.read("new"), yield* readers.plain.read("new"))
      assert.deepStrictEqual(readers.plainReads, { fast: 0, plain: 3 })
    })
  )
})

describe("the fast path", () => {
  /** A connection of which only what the fast path looks at is there. */
  const connectionWith = (parts: {
    readonly status?: string
    readonly waiting?: number
    readonly listens?: boolean
  }) => {
    const stream = new EventEmitter()
    if (parts.listens !== false) stream.on("data", () => {})
    const { status = "ready", waiting = 0 } = parts
    return { status, commandQueue: { length: waiting }, stream } as unknown as Connection
  }
  const refusal = (fast: FastRead) => fast.expect() ?? "none"

  it("says why it can't be taken", () => {
    assert.strictEqual(refusal(makeFastRead(connectionWith({}))), "none")
    assert.match(refusal(makeFastRead(connectionWith({ status: "connecting" }))), /not ready/)
    assert.match(refusal(makeFastRead(connectionWith({ waiting: 1 }))), /other commands/)
    assert.match(refusal(makeFastRead(connectionWith({ listens: false }))), /does not listen/)
  })

  /** A socket that the client listens to: what the client has heard, and why it was given up, if it was. */
  const makeSocket = () => {
    const heard: Array<string> = []
    const socket = Object.assign(new EventEmitter(), { destroy: (why: Error) => void heard.push(why.message) })
    socket.on("data", (bytes: Buffer) => heard.push(bytes.toString()))
    return { heard, socket }
  }
  const answerWith = (id: string) => `%1\r\n$5\r\nvotes\r\n*1\r\n*2\r\n$3\r\n${id}\r\n_\r\n`

  it("takes nothing more of what it has left, nor of a socket before the present one", () => {
    const [first, second] = [makeSocket(), makeSocket()]
    const connection = { status: "ready", commandQueue: { length: 0 }, stream: first.socket }
    const fast = makeFastRead(connection as unknown as Connection)
    fast.expect()
    fast.leave()
    first.socket.emit("data", Buffer.from(answerWith("1-1")))
    fast.expect()
    connection.stream = second.socket
    fast.expect()
    first.socket.emit("data", Buffer.from(answerWith("1-2")))
    assert.deepStrictEqual(fast.batch.ids, [])
    assert.deepStrictEqual(first.heard, [answerWith("1-1"), answerWith("1-2")])
    second.socket.emit("data", Buffer.from(answerWith("1-3")))
    assert.deepStrictEqual(fast.batch.ids, ["1-3"])
    assert.deepStrictEqual(second.heard, ["_\r\n"])
  })

  it("gives a connection up whose bytes are no such answer", () => {
    const { heard, socket } = makeSocket()
    const connection = { status: "ready", commandQueue: { length: 0 }, stream: socket }
    makeFastRead(connection as unknown as Connection).expect()
    socket.emit("data", Buffer.from("%1\r\n*1\r\n"))
    assert.deepStrictEqual(heard, ["Redis's answer has a byte 42 where an entry can't have it"])
  })

  it.effect("has each read counted that does not take it, and the first logged that could not", () =>
    Effect.gen(function* () {
      let count = 0
      const lines: Array<string> = []
      const plainRead = makePlainReadLog(() => count++)
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      const reads = Effect.forEach([undefined, "first", "second", undefined], plainRead, { discard: true })
      yield* reads.pipe(
        Effect.provide(Logger.layer([logger])),
        Effect.provideService(References.MinimumLogLevel, "All")
      )
      assert.strictEqual(count, 4)
      assert.lengthOf(lines, 1)
      assert.match(lines[0] ?? "", /first/)
    })
  )
})
