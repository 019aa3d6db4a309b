import { Clock, Context, Effect, Layer, Schedule, Semaphore } from "effect"
import { defaultPoll, type Poll } from "../domain/Poll.ts"
import { NotFound } from "../domain/Problems.ts"
import { PollStore } from "../ledger/Polls.ts"
import { Announcements } from "../stream/Announcements.ts"

/** How often the polls are read without being told of a change. */
const refreshInterval = "5 seconds"
/** How often a poll that is not known may lead to reading them, in ms. */
const missInterval = 1_000

/** The polls as this process knows them: in memory, since the way of a vote does not ask the database. */
export class Polls extends Context.Service<
  Polls,
  {
    /** The newest first. */
    readonly all: () => ReadonlyArray<Poll>
    readonly find: (slug: string) => Poll | undefined
    /** The same for a poll that may have been made a moment ago. */
    get(slug: string): Effect.Effect<Poll, NotFound>
    /** Reads the polls again: here now, in all other processes as soon as they hear of it. */
    changed(slug: string): Effect.Effect<void>
  }
>()("tallykeep/http/Polls") {
  static readonly layer = Layer.effect(
    Polls,
    Effect.gen(function* () {
      const store = yield* PollStore
      const announcements = yield* Announcements
      const runFork = Effect.runForkWith(yield* Effect.context<never>())
      const one = Semaphore.makeUnsafe(1)
      // Until the ledger is read for the first time, there is the one that is always there.
      let polls: ReadonlyMap<string, Poll> = new Map([[defaultPoll.slug, defaultPoll]])
      let missed = 0

      const read = Effect.tap(store.list, (list) =>
        Effect.sync(() => {
          const read = new Map(list.map((poll) => [poll.slug, poll]))
          polls = read.has(defaultPoll.slug) ? read : read.set(defaultPoll.slug, defaultPoll)
        })
      ).pipe(one.withPermits(1), Effect.ignore)

      yield* announcements.listen("poll", () => void runFork(read))
      yield* read.pipe(Effect.repeat(Schedule.spaced(refreshInterval)), Effect.forkScoped)

      const get = Effect.fnUntraced(function* (slug: string) {
        const known = polls.get(slug)
        if (known !== undefined) return known
        const now = yield* Clock.currentTimeMillis
        if (now - missed >= missInterval) {
          missed = now
          yield* read
        }
        return polls.get(slug) ?? (yield* new NotFound({ detail: "There is no such poll" }))
      })

      return Polls.of({
        all: () => [...polls.values()],
        find: (slug) => polls.get(slug),
        get,
        changed: (slug) => Effect.andThen(read, announcements.announce("poll", slug))
      })
    })
  )
}
