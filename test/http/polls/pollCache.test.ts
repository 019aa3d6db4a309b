import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch, Layer } from "effect"
import { TestClock } from "effect/testing"
import { defaultPoll, type Poll } from "../../../src/domain/Poll.ts"
import { OutOfService } from "../../../src/domain/Problems.ts"
import { PollCache } from "../../../src/http/polls/PollCache.ts"
import { Ledger } from "../../../src/ledger/Ledger.ts"
import { PollStore } from "../../../src/ledger/PollStore.ts"
import { Announcements } from "../../../src/stream/Announcements.ts"
import { VoteStream } from "../../../src/stream/VoteStream.ts"
import { collectLog } from "../../support/collectLog.ts"
import { noKeyMemory } from "../../support/world.ts"

const layerCache = (
  list: Effect.Effect<ReadonlyArray<Poll>, OutOfService>,
  migrated: Effect.Effect<void> = Effect.void
) =>
  PollCache.layer.pipe(
    Layer.provide([
      Layer.mock(Ledger, { migrated }),
      Layer.mock(PollStore, { list }),
      Layer.mock(VoteStream, { now: () => 0, keyMemory: noKeyMemory }),
      Layer.mock(Announcements, { listen: () => Effect.void, announce: () => Effect.void })
    ])
  )

describe("PollCache", () => {
  it.effect("reads all polls once for many changes, after the last of them", () => {
    const read = { begun: 0, done: 0 }
    const gate = Latch.makeUnsafe(false)
    const list = Effect.gen(function* () {
      read.begun++
      yield* gate.await
      read.done++
      return [defaultPoll]
    })
    return Effect.gen(function* () {
      const { changed } = yield* PollCache
      const change = Effect.andThen(
        changed("cats-or-dogs"),
        Effect.sync(() => read.done)
      )
      // The first reading of all, which is under way when the changes come.
      while (read.begun === 0) yield* Effect.yieldNow
      const changes = Array.from({ length: 100 }, () => change)
      const all = yield* Effect.forkChild(Effect.all(changes, { concurrency: "unbounded" }))
      yield* Effect.yieldNow
      yield* gate.open
      const seen = yield* Fiber.join(all)
      assert.strictEqual(read.begun, 2)
      assert.deepStrictEqual(new Set(seen), new Set([2]))
    }).pipe(Effect.provide(layerCache(list)))
  })

  it.effect("finds a poll that was made before it is asked for, whoever else asks meanwhile", () => {
    const stored: Array<Poll> = [defaultPoll]
    const read = { begun: 0 }
    // Each sees what is stored when it begins.
    const list = Effect.suspend(() => {
      read.begun++
      return Effect.delay(Effect.succeed([...stored]), "20 millis")
    })
    return Effect.gen(function* () {
      const polls = yield* PollCache
      const asked = yield* Effect.forkChild(
        Effect.forEach(
          Array.from({ length: 400 }, (_, index) => index),
          Effect.fnUntraced(function* (index) {
            yield* Effect.sleep(`${index * 5} millis`)
            const slug = `made-${index >> 1}`
            // One of two is made, and both are asked for, by several at once.
            if (index % 2 === 0) return yield* Effect.flip(polls.get(`not-${slug}`))
            stored.push({ ...defaultPoll, slug })
            const found = yield* Effect.all([polls.get(slug), polls.get(slug)], { concurrency: "unbounded" })
            return found[0]
          }),
          { concurrency: "unbounded" }
        )
      )
      yield* TestClock.adjust("5 seconds")
      const answers = yield* Fiber.join(asked)
      answers.forEach((answer, index) => {
        if (index % 2 === 0) assert.deepInclude(answer, { _tag: "NotFound" })
        else assert.deepInclude(answer, { slug: `made-${index >> 1}` })
      })
      // Four a second for 2 s, and one of all each 5 s.
      assert.isAtMost(read.begun, 12)
    }).pipe(Effect.provide(layerCache(list)))
  })

  it.effect("tells what has become of a poll that was changed before, whoever else asks meanwhile", () => {
    let stored: Poll = defaultPoll
    const read = { begun: 0 }
    const list = Effect.suspend(() => {
      read.begun++
      return Effect.delay(Effect.succeed([stored]), "20 millis")
    })
    return Effect.gen(function* () {
      const polls = yield* PollCache
      const asked = yield* Effect.forkChild(
        Effect.forEach(
          Array.from({ length: 100 }, (_, index) => index),
          Effect.fnUntraced(function* (index) {
            yield* Effect.sleep(`${index * 10} millis`)
            stored = { ...defaultPoll, version: index }
            return (yield* polls.renewed(defaultPoll)).version ?? -1
          }),
          { concurrency: "unbounded" }
        )
      )
      yield* TestClock.adjust("5 seconds")
      const versions = yield* Fiber.join(asked)
      versions.forEach((version, index) => {
        assert.isAtLeast(version, index)
      })
      // Four a second for 1 s, and one of all each 5 s.
      assert.isAtMost(read.begun, 8)
      const gone = yield* Effect.forkChild(polls.renewed({ ...defaultPoll, slug: "gone" }))
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* Fiber.join(gone), { slug: "gone" })
    }).pipe(Effect.provide(layerCache(list)))
  })

  it.effect("reads no more than a quarter of the time for polls that there are not", () => {
    const read = { begun: 0 }
    const list = Effect.suspend(() => {
      read.begun++
      return Effect.delay(Effect.succeed([defaultPoll]), "200 millis")
    })
    return Effect.gen(function* () {
      const polls = yield* PollCache
      const asking = Effect.forever(Effect.andThen(Effect.flip(polls.get("nowhere")), Effect.sleep("10 millis")))
      yield* Effect.forkChild(asking)
      yield* TestClock.adjust("8 seconds")
      // Of those, two are what all polls are read for anyway.
      assert.isAtLeast(read.begun, 2 + 8)
      assert.isAtMost(read.begun, 2 + 10)
    }).pipe(Effect.provide(layerCache(list)))
  })

  it.effect.each<readonly [end: string, ended: Effect.Effect<never>, told: ReadonlyArray<string>]>([
    ["has a defect, and logs that", Effect.die("broken"), ["ERROR The polls can't be read"]],
    ["is cut off by a shutdown, and logs nothing", Effect.interrupt, []]
  ])("does not say that there is no poll where a reading of them %s", ([, ended, told]) => {
    const read = { begun: 0 }
    const log = collectLog()
    const list = Effect.suspend(() => (read.begun++ === 0 ? Effect.succeed([defaultPoll]) : ended))
    return Effect.gen(function* () {
      const polls = yield* PollCache
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* Effect.flip(polls.get("new")), { _tag: "Unavailable" })
      assert.deepStrictEqual(
        log.lines.map((line) => line.replace(/read .*/, "read")),
        told
      )
    }).pipe(Effect.provide(layerCache(list)), Effect.provide(log.layer))
  })

  it.effect("logs that the database is away, once, and that it is back, also where nobody asks", () => {
    const log = collectLog()
    let away = true
    const cause = Object.assign(new Error("too many connections"), { code: "53300" })
    const list = Effect.suspend(() =>
      away ? Effect.fail(new OutOfService({ part: "database", cause })) : Effect.succeed([defaultPoll])
    )
    return Effect.gen(function* () {
      const polls = yield* PollCache
      // There are no tables yet.
      yield* polls.changed("new")
      assert.deepStrictEqual(log.lines, [])
      yield* TestClock.adjust("30 seconds")
      away = false
      yield* TestClock.adjust("20 seconds")
      assert.match(
        log.lines.join("\n"),
        /^ERROR Can't read the polls: .*too many connections \(53300\)\. Raise .*\nINFO Reading the polls again after 2\d\.\d s$/
      )
    }).pipe(Effect.provide(layerCache(list, Effect.sleep("10 seconds"))), Effect.provide(log.layer))
  })

  it.effect("says again that there is no poll soon after a reading that took long", () => {
    const read = { begun: 0 }
    const list = Effect.suspend(() => Effect.delay(Effect.succeed([defaultPoll]), read.begun++ === 1 ? "9 seconds" : 0))
    return Effect.gen(function* () {
      const polls = yield* PollCache
      const ask = Effect.forkChild(Effect.flip(polls.get("nowhere")))
      yield* TestClock.adjust("1 second")
      const during = yield* ask
      yield* TestClock.adjust("9 seconds")
      assert.deepInclude(yield* Fiber.join(during), { _tag: "Unavailable" })
      const after = yield* ask
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* Fiber.join(after), { _tag: "NotFound" })
    }).pipe(Effect.provide(layerCache(list)))
  })

  it.effect("does not say that there is no poll while the ledger does not answer", () => {
    const read = { begun: 0 }
    const list = Effect.suspend(() => (read.begun++ === 0 ? Effect.succeed([defaultPoll]) : Effect.never))
    return Effect.gen(function* () {
      const polls = yield* PollCache
      yield* TestClock.adjust("1 second")
      const asked = yield* Effect.forkChild(Effect.flip(polls.get("new")))
      yield* TestClock.adjust("2 seconds")
      assert.deepInclude(yield* Fiber.join(asked), { _tag: "Unavailable" })
    }).pipe(Effect.provide(layerCache(list)))
  })
})
