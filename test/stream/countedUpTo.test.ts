import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { infoRecord } from "../../src/stream/HeldEntries.ts"
import { Redis } from "../../src/stream/Redis.ts"
import { scripts } from "../../src/stream/Scripts.ts"
import { uniqueName } from "../support/names.ts"
import { layerServers } from "../support/servers.ts"

const group = "vote-processors"
const hour = 3_600_000

/** A stream of the test's own, and what is done with it. */
const makeStream = Effect.gen(function* () {
  const { client } = yield* Redis
  const stream = uniqueName("votes")
  const ask = <A>(question: () => Promise<A>) => Effect.promise(question)
  yield* Effect.addFinalizer(() => ask(() => client.del(stream)))
  const info = ask(async () => infoRecord((await client.xinfo("STREAM", stream)) as ReadonlyArray<unknown>))
  return {
    client,
    stream,
    append: (id: string) => ask(() => client.xadd(stream, id, "v", "1")),
    read: (count: number) =>
      ask(() => client.xreadgroup("GROUP", group, "ann", "COUNT", count, "STREAMS", stream, ">")),
    ack: (...ids: ReadonlyArray<string>) => ask(() => client.xack(stream, group, ...ids)),
    makeGroup: ask(() => client.xgroup("CREATE", stream, group, "0", "MKSTREAM")),
    countedUpTo: (ms: number) =>
      Effect.map(
        ask(() => client.countedUpTo(stream, group, ms)),
        Number
      ),
    last: Effect.map(info, (found) => String(found["last-generated-id"])),
    added: Effect.map(info, (found) => found["entries-added"]),
    lag: ask(async () => {
      const [first] = (await client.xinfo("GROUPS", stream)) as ReadonlyArray<ReadonlyArray<unknown>>
      return infoRecord(first ?? []).lag
    })
  }
})

const withStream = <A, E>(test: (stream: Effect.Success<typeof makeStream>) => Effect.Effect<A, E>) =>
  Effect.scoped(Effect.flatMap(makeStream, test)).pipe(Effect.provide(layerServers()))

const refusesLower = ({ client, stream }: Effect.Success<typeof makeStream>, id: string) =>
  Effect.promise(async () => {
    const refusal = await client.xadd(stream, id, "v", "1").catch((error: Error) => error)
    assert.match(String(refusal), /equal or smaller than the target stream top item/)
  })

describe("counted_up_to.lua", () => {
  it.live("keeps a stream that nobody has appended to from taking an entry before the time", () =>
    withStream((own) =>
      Effect.gen(function* () {
        const now = Date.now()
        assert.strictEqual(yield* own.countedUpTo(now - 10), now - 10)
        assert.strictEqual(yield* own.last, `${now - 10}-0`)
        assert.strictEqual(yield* own.added, 0)
        // Whoever reads is to find that it was not there.
        assert.deepStrictEqual(yield* Effect.promise(() => own.client.xinfo("GROUPS", own.stream)), [])
        yield* own.makeGroup
        yield* refusesLower(own, `${now - 11}-9`)
        yield* own.append("*")
        yield* own.read(10)
        assert.deepStrictEqual([yield* own.added, yield* own.lag], [1, 0])
      })
    )
  )

  it.live("goes as far as the first entry that waits or is pending, and not beyond the stream's own time", () =>
    withStream((own) =>
      Effect.gen(function* () {
        yield* own.makeGroup
        for (const ms of [1_000, 2_000, 3_000]) yield* own.append(`${ms}-7`)
        // Another group has them all.
        yield* Effect.promise(() => own.client.xgroup("CREATE", own.stream, "w", "$"))
        assert.strictEqual(yield* own.countedUpTo(500), 500)
        assert.strictEqual(yield* own.countedUpTo(2_500), 1_000)
        yield* own.read(2)
        assert.strictEqual(yield* own.countedUpTo(2_500), 1_000)
        yield* own.ack("1000-7")
        assert.strictEqual(yield* own.countedUpTo(2_000), 2_000)
        assert.strictEqual(yield* own.countedUpTo(2_500), 2_000)
        yield* own.ack("2000-7")
        // Of those that are acked, all are still there.
        assert.strictEqual(yield* own.countedUpTo(2_500), 2_500)
        assert.strictEqual(yield* own.last, "3000-7")
        assert.strictEqual(yield* own.countedUpTo(5_000), 3_000)
        yield* own.read(1)
        yield* own.ack("3000-7")
        assert.strictEqual(yield* own.countedUpTo(5_000), 5_000)
        assert.strictEqual(yield* own.last, "5000-0")
        assert.deepStrictEqual([yield* own.added, yield* own.lag], [3, 0])
        const before = Date.now()
        const upTo = yield* own.countedUpTo(before + hour)
        assert.isAtLeast(upTo, before)
        assert.isAtMost(upTo, Date.now())
      })
    )
  )

  it.live("goes by the last id where that is ahead of the clock: votes are accepted by it", () =>
    withStream((own) =>
      Effect.gen(function* () {
        yield* own.makeGroup
        const ahead = Date.now() + hour
        yield* own.append(`${ahead}-0`)
        yield* own.read(1)
        yield* own.ack(`${ahead}-0`)
        assert.strictEqual(yield* own.countedUpTo(ahead - 1), ahead - 1)
        assert.strictEqual(yield* own.countedUpTo(ahead), ahead)
        assert.strictEqual(yield* own.countedUpTo(ahead + 1), ahead)
      })
    )
  )

  it.live("takes all entries for waiting where there is no group", () =>
    withStream((own) =>
      Effect.gen(function* () {
        yield* own.append("1000-1")
        assert.strictEqual(yield* own.countedUpTo(2_000), 1_000)
        yield* own.makeGroup
        assert.strictEqual(yield* own.countedUpTo(2_000), 1_000)
      })
    )
  )

  it.live("counts no entry twice and loses none of the books: what is appended later is added and lags as ever", () =>
    withStream((own) =>
      Effect.gen(function* () {
        yield* own.makeGroup
        yield* own.append("1000-1")
        yield* own.read(1)
        yield* own.ack("1000-1")
        yield* Effect.promise(() => own.client.xtrim(own.stream, "MAXLEN", 0))
        yield* own.countedUpTo(2_000)
        assert.deepStrictEqual([yield* own.added, yield* own.lag], [1, 0])
        yield* own.append("*")
        assert.deepStrictEqual([yield* own.added, yield* own.lag], [2, 1])
      })
    )
  )

  it.live("holds where the clock is set back afterwards: the next entry comes after the time", () =>
    withStream((own) =>
      Effect.gen(function* () {
        const closing = Date.now() + hour
        // As Redis would have done it whose clock was ahead.
        const ahead = scripts.countedUpTo.lua.replace("redis.call('TIME')", `{ ${Math.ceil(closing / 1000) + 5}, 0 }`)
        assert.notStrictEqual(ahead, scripts.countedUpTo.lua)
        const upTo = yield* Effect.promise(() => own.client.eval(ahead, 1, own.stream, group, closing))
        assert.strictEqual(Number(upTo), closing)
        assert.strictEqual(yield* own.append("*"), `${closing}-1`)
        yield* refusesLower(own, `${closing - 1}-0`)
      })
    )
  )
})
