import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { elapsed } from "../../src/Elapsed.ts"
import { Announcements, type Topic } from "../../src/stream/Announcements.ts"
import { takeTurns } from "../../src/stream/Turns.ts"

/** Announcements that go to `listeners` alone. */
const makeAnnouncements = () => {
  const listeners = new Map<Topic, (poll: string) => void>()
  const announcements = Layer.mock(Announcements, {
    listen: (topic, listener) => Effect.sync(() => void listeners.set(topic, listener))
  })
  return { announcements, listeners }
}

it.effect("turns come soon after news, though not one upon the other, and now and then without any", () =>
  Effect.gen(function* () {
    const { announcements, listeners } = makeAnnouncements()
    const began: Array<number> = []
    const start = yield* elapsed
    const turn = Effect.gen(function* () {
      began.push((yield* elapsed) - start)
      // One takes longer, and there is news meanwhile.
      if (began.length === 4) yield* Effect.sleep(300)
    })
    yield* takeTurns(turn, { topics: ["tally"], soonest: 200, latest: 1_000 }).pipe(
      Effect.provide(announcements),
      Effect.forkScoped
    )
    const pass = (ms: number) => TestClock.adjust(ms)
    const tell = Effect.sync(() => listeners.get("tally")?.("cats-or-dogs"))
    yield* pass(0)
    assert.deepStrictEqual([...listeners.keys()], ["tally"])
    yield* pass(1_000)
    yield* pass(500)
    yield* tell
    yield* pass(50)
    yield* tell
    yield* pass(150)
    yield* tell
    yield* pass(1_000)
    yield* pass(2_000)
    assert.deepStrictEqual(began, [0, 1_000, 1_500, 1_700, 2_200, 3_000, 4_000])
  })
)

it.effect("turns that find nothing going on come seldom, until there is news", () =>
  Effect.gen(function* () {
    const { announcements, listeners } = makeAnnouncements()
    const began: Array<number> = []
    let busy = false
    const turn = Effect.map(elapsed, (now) => {
      began.push(now)
      return busy
    })
    yield* takeTurns(turn, { topics: ["poll"], soonest: 500, latest: 1_000, quiet: 4_000 }).pipe(
      Effect.provide(announcements),
      Effect.forkScoped
    )
    yield* TestClock.adjust(8_000)
    yield* TestClock.adjust(1_500)
    busy = true
    listeners.get("poll")?.("cats-or-dogs")
    yield* TestClock.adjust(1_500)
    busy = false
    yield* TestClock.adjust(5_000)
    assert.deepStrictEqual(began, [0, 4_000, 8_000, 9_500, 10_000, 11_000, 12_000, 16_000])
  })
)
