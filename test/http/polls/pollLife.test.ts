import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import type { Poll } from "../../../src/domain/Poll.ts"
import { OutOfService } from "../../../src/domain/Problems.ts"
import { makePollLife, type PollLife } from "../../../src/http/polls/PollLife.ts"
import { PollActs } from "../../../src/ledger/PollActs.ts"
import type { Current } from "../../../src/ledger/PollChange.ts"
import { teaOrCoffeePoll } from "../../support/teaOrCoffee.ts"

const now = 1_764_000_000_000
const read: Poll = { ...teaOrCoffeePoll, slug: "tea-or-coffee", identity: "browser", ballot: "once", version: 1 }

/**
 * The life of a poll that is like `read` when it is found, and like this when it is locked; `done` has what becomes of it, and `holds` for
 * what times it is closed meanwhile, and the stream for it, which hears of it at a time at the earliest.
 */
const withLife = <A, E>(
  current: () => Partial<Current>,
  test: (life: PollLife, done: ReadonlyArray<Poll>) => Effect.Effect<A, E>,
  holds: Array<ReadonlyArray<unknown>> = [],
  present = () => now,
  found = read,
  hears = () => 0
) => {
  const done: Array<Poll> = []
  const acts = Layer.mock(PollActs, {
    find: () => Effect.succeed(found),
    hold: (_slug, given, ms, how, before = () => Effect.succeed(given)) =>
      Effect.map(before(1), (told) => {
        const from = Math.max(given, told)
        holds.push([from, from + ms, how])
        return from
      }),
    act: (_slug, _what, decide) =>
      Effect.suspend(() => decide({ poll: read, hasVotes: false, isDecided: false, ...current() })).pipe(
        Effect.map((outcome) => {
          if (outcome === undefined || outcome === "deleted") return read
          done.push(outcome.poll)
          return outcome.poll
        })
      )
  })
  return Effect.flatMap(PollActs, (acts) => {
    const time = Effect.sync(present)
    const unshutPoll = (_slug: string, ...numbers: ReadonlyArray<number>) =>
      Effect.sync(() => void holds.push(["taken", ...numbers]))
    const shutPoll = (_slug: string, version: number, from: number, ...numbers: ReadonlyArray<number>) =>
      Effect.sync(() => {
        holds.push(["stream", version, from, ...numbers])
        return Math.max(from, hears())
      })
    const services = { acts, now: time, closingTime: time, countedUpTo: Effect.succeed, changed: () => Effect.void }
    return test(makePollLife({ ...services, shutPoll, unshutPoll }), done)
  }).pipe(Effect.provide(acts))
}

describe("an edit of an open poll that someone else changes meanwhile", () => {
  const edit = { title: "Coffee or tea?", ballot: "once" } as const

  it.effect("is refused where it would change what decides over votes, for which the poll was not closed", () =>
    withLife(
      () => ({ poll: { ...read, ballot: "changeable", version: 2 } }),
      (life, done) =>
        Effect.gen(function* () {
          // The ballot rule was the same when the poll was read.
          assert.propertyVal(yield* Effect.flip(life.edit(read.slug, edit, undefined)), "_tag", "Stale")
          assert.deepStrictEqual(done, [])
        })
    )
  )

  it.effect("is done where it changes nothing else than it would have then", () =>
    withLife(
      () => ({ poll: { ...read, description: "Both", version: 2 } }),
      (life, done) =>
        Effect.gen(function* () {
          yield* life.edit(read.slug, edit, undefined)
          assert.deepStrictEqual(
            done.map(({ description, title }) => [title, description]),
            [["Coffee or tea?", "Both"]]
          )
        })
    )
  )
})

describe("an edit of what decides over votes, before which one came in", () => {
  it.effect("is refused, and the poll was never closed for it", () => {
    const holds: Array<ReadonlyArray<unknown>> = []
    // A vote is counted only once the poll is closed for the edit.
    return withLife(
      () => ({ hasVotes: holds.length > 0 }),
      (life, done) =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(life.edit(read.slug, { ballot: "changeable" }, undefined))
          assert.strictEqual(error._tag, "Unchangeable")
          const [from, to] = [now + 1_000, now + 11_000]
          assert.deepStrictEqual(holds, [
            ["stream", 2, from, 10_000],
            [from, to, "close"],
            [from, to, "open"],
            // As the poll is then.
            ["taken", 1, now]
          ])
          assert.deepStrictEqual(done, [])
        }),
      holds
    )
  })
})

describe("an edit of what decides over votes, sent again while the poll is closed for it", () => {
  it.effect("leaves the stream closed from the first time on", () => {
    const holds: Array<ReadonlyArray<unknown>> = []
    const shut = [
      [now - 50_000, now - 40_000],
      [now - 500, now + 9_500]
    ] as const
    return withLife(
      () => ({ poll: { ...read, shut } }),
      (life, done) =>
        Effect.gen(function* () {
          yield* life.edit(read.slug, { ballot: "changeable" }, undefined)
          assert.deepStrictEqual(holds, [
            ["stream", 2, now - 500, 11_000],
            [now + 1_000, now + 11_000, "close"],
            ["stream", 2, now]
          ])
          assert.lengthOf(done, 1)
        }),
      holds,
      () => now,
      { ...read, shut }
    )
  })
})

describe("an act of a process that is held up", () => {
  const later = now + 20_000

  it.effect("changes nothing that decides over votes where some may have come in by what the poll was", () => {
    /** Edits a poll that is shut at these times, once the stream hears of the edit itself late. */
    const edited = (shut: Poll["shut"]) => {
      const holds: Array<ReadonlyArray<unknown>> = []
      return withLife(
        () => ({ poll: { ...read, ...(shut === undefined ? {} : { shut }) } }),
        (life) => Effect.result(life.edit(read.slug, { ballot: "changeable" }, undefined)),
        holds,
        () => now,
        read,
        () => (holds.length > 1 ? later : 0)
      )
    }
    const gap = [
      [now, now + 2_000],
      [now + 3_000, later]
    ] as const
    return Effect.gen(function* () {
      for (const shut of [undefined, [[now, later - 1]] as const, gap]) {
        const result = yield* edited(shut)
        assert.isTrue(Result.isFailure(result) && result.failure._tag === "Unavailable")
      }
      assert.isTrue(Result.isSuccess(yield* edited([[now, later]])))
    })
  })

  it.effect("does not close a poll at a time that is over", () =>
    withLife(
      () => ({}),
      (life) =>
        Effect.gen(function* () {
          const closing = (ms: number) => life.edit(read.slug, { closes_at: new Date(ms).toISOString() }, undefined)
          assert.propertyVal(yield* Effect.flip(closing(later - 1)), "_tag", "InvalidFields")
          assert.propertyVal(yield* Effect.flip(life.reopen(read.slug, later - 1)), "_tag", "InvalidFields")
          assert.strictEqual((yield* closing(later)).closesMs, later)
        }),
      [],
      () => now,
      read,
      () => later
    )
  )
})

describe("closing a poll", () => {
  /** Closes a poll, of which the database says what comes of that, and notes what is done, with the time. */
  const closing = (present: () => number, outcome: "closes" | "gone" | Pick<Poll, "closesMs">) => {
    const done: Array<readonly [what: string, at: number]> = []
    const acts = Layer.mock(PollActs, {
      find: () => Effect.succeed(read),
      close: (_slug, time, ahead = 0, before = (_poll, ms) => Effect.succeed(ms)) =>
        Effect.gen(function* () {
          const atMs = yield* before(read, (yield* time) + ahead)
          done.push(["closes", atMs - now])
          return outcome === "gone" ? undefined : { ...read, ...(outcome === "closes" ? { closesMs: atMs } : outcome) }
        })
    })
    const time = Effect.sync(present)
    const note = (what: string) => Effect.sync(() => void done.push([what, present() - now]))
    const shutPoll = (_slug: string, _version: number, from: number) =>
      Effect.sync(() => {
        done.push(["the stream closes", from - now])
        return from
      })
    const unshutPoll = () => Effect.void
    const changed = () => note("told others")
    const services = { now: time, closingTime: time, countedUpTo: Effect.succeed, changed, shutPoll, unshutPoll }
    const closed = Effect.flatMap(PollActs, (acts) => makePollLife({ ...services, acts }).close(read.slug))
    return Effect.gen(function* () {
      const result = yield* Effect.forkChild(Effect.result(Effect.tap(closed, () => note("answered"))))
      yield* TestClock.adjust("5 seconds")
      return { done, result: yield* Fiber.join(result) }
    }).pipe(Effect.provide(acts))
  }

  it.effect("tells all processes a second before, and then who asked for it", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const { done } = yield* closing(() => now + clock.currentTimeMillisUnsafe(), "closes")
      assert.deepStrictEqual(done, [
        ["the stream closes", 1_000],
        ["closes", 1_000],
        ["told others", 0],
        ["answered", 1_000]
      ])
    })
  )

  it.effect("is told at once where it has closed before, or there is no such poll any more", () =>
    Effect.gen(function* () {
      for (const outcome of [{ closesMs: now - 1 }, {}]) {
        const { done } = yield* closing(() => now, outcome)
        assert.deepStrictEqual(done, [
          ["the stream closes", 1_000],
          ["closes", 1_000],
          ["told others", 0],
          ["answered", 0]
        ])
      }
      const { result } = yield* closing(() => now, "gone")
      assert.propertyVal(result._tag === "Failure" ? result.failure : undefined, "_tag", "NotFound")
    })
  )

  it.effect("is done as of now where its time does not come, since ids are ahead of the clock", () =>
    Effect.gen(function* () {
      const { done } = yield* closing(() => now, "closes")
      assert.deepStrictEqual(
        done.filter(([what]) => what.endsWith("closes")),
        [
          ["the stream closes", 1_000],
          ["closes", 1_000],
          ["the stream closes", 0],
          ["closes", 0]
        ]
      )
    })
  )
})

describe("another closing time", () => {
  it.effect("leaves all processes the time to hear of it, also where something holds up the edit", () => {
    let late = 0
    return withLife(
      () => {
        late += 500
        return {}
      },
      (life, done) =>
        Effect.gen(function* () {
          const edit = (ms: number) => life.edit(read.slug, { closes_at: new Date(now + ms).toISOString() }, undefined)
          const detailOf = (ms: number) =>
            Effect.map(Effect.flip(edit(ms)), (error) => "errors" in error && error.errors[0]?.detail)
          assert.strictEqual(yield* detailOf(0), "must be a time in the future")
          assert.include(yield* detailOf(1_000), "more than a second ahead")
          // It is in time when it is asked for, and not any more when it is its turn.
          assert.include(yield* detailOf(1_500), "more than a second ahead")
          assert.deepStrictEqual(done, [])
          yield* edit(2_001)
          assert.deepStrictEqual(
            done.map(({ closesMs }) => closesMs),
            [now + 2_001]
          )
        }),
      [],
      () => now + late
    )
  })
})

describe("a poll that has closed, whose votes the ledger no longer keeps", () => {
  const closed = () => ({ poll: { ...read, closesMs: now - 1 }, isDecided: true, hasVotes: true })

  it.effect("can't be opened again, by a later closing time either", () =>
    withLife(closed, (life, done) =>
      Effect.gen(function* () {
        for (const act of [
          life.edit(read.slug, { closes_at: new Date(now + 60_000).toISOString() }, undefined),
          life.edit(read.slug, { closes_at: null }, undefined),
          life.reopen(read.slug, undefined)
        ]) {
          assert.propertyVal(yield* Effect.flip(act), "_tag", "Unchangeable")
        }
        yield* life.edit(read.slug, { title: "Coffee or tea?" }, undefined)
        assert.lengthOf(done, 1)
      })
    )
  )
})

describe("a draft whose closing time has passed", () => {
  it.effect("is not published before it gets another one: it would be over at once", () =>
    withLife(
      () => ({ poll: { ...read, draft: true, closesMs: now } }),
      (life, done) =>
        Effect.gen(function* () {
          const refused = yield* Effect.flip(life.edit(read.slug, { draft: false }, undefined))
          assert.deepInclude(refused, {
            _tag: "InvalidFields",
            errors: [{ pointer: "#/closes_at", detail: "must be a time in the future" }]
          })
          yield* life.edit(read.slug, { title: "Coffee or tea?" }, undefined)
          yield* life.edit(read.slug, { draft: false, closes_at: null }, undefined)
          assert.deepStrictEqual(
            done.map(({ draft }) => draft),
            [true, undefined]
          )
        })
    )
  )
})

describe("what was begun with a poll", () => {
  const gone = Effect.never
  const unsaid = new OutOfService({ part: "database", cause: new Error("the connection is lost") })
  it.effect.each([
    ["where whoever asked for it has gone", gone, 1],
    ["where the database does not say whether it is done", Effect.fail(unsaid), 1],
    ["but not where it was refused", Effect.void, 0]
  ] as const)("is told to all processes %s", ([, outcome, times]) =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const services = {
        acts: yield* PollActs,
        now: Effect.succeed(now),
        closingTime: Effect.succeed(now),
        countedUpTo: Effect.succeed,
        shutPoll: (_slug: string, _version: number, from: number) => Effect.succeed(from),
        unshutPoll: () => Effect.void,
        changed: (slug: string) => Effect.sync(() => void told.push(slug))
      }
      const deleting = yield* Effect.forkChild(Effect.exit(makePollLife(services).remove(read.slug, read.slug)))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(deleting)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(
        told,
        Array.from({ length: times }, () => read.slug)
      )
    }).pipe(
      Effect.provide(
        Layer.mock(PollActs, {
          find: () => Effect.succeed({ ...read, draft: true }),
          // What is neither archived nor a draft can't be deleted.
          act: (_slug, _what, decide) =>
            Effect.as(Effect.andThen(outcome, decide({ poll: read, hasVotes: false, isDecided: false })), read)
        })
      )
    )
  )
})
