import { Clock, Context, Effect, Fiber, Layer, Semaphore } from "effect"
import { defaultPoll, type Poll } from "../../domain/Poll.ts"
import { NotFound, Unavailable } from "../../domain/Problems.ts"
import { Ledger } from "../../ledger/Ledger.ts"
import { PollStore } from "../../ledger/PollStore.ts"
import { Announcements } from "../../stream/Announcements.ts"

/** How often the polls are read without being told of a change. */
const refreshInterval = "5 seconds"
/** How often a poll that is not known may lead to reading them, in ms. */
const missInterval = 1_000
/** How long a request waits for the first reading, which a new database's schema comes before. */
const patience = "500 millis"

/** The polls as this process knows them: in memory, since the way of a vote does not ask the database. */
export class PollCache extends Context.Service<
  PollCache,
  {
    /** The newest first. */
    readonly all: () => ReadonlyArray<Poll>
    readonly find: (slug: string) => Poll | undefined
    /** The same for a poll that may have been made a moment ago; unavailable where that can't be told for now. */
    get(slug: string): Effect.Effect<Poll, NotFound | Unavailable>
    /** Reads the polls again: here now, in all other processes as soon as they hear of it. */
    changed(slug: string): Effect.Effect<void>
  }
>()("tallykeep/http/polls/PollCache") {
  static readonly layer = Layer.effect(
    PollCache,
    Effect.gen(function* () {
      const { migrated } = yield* Ledger
      const store = yield* PollStore
      const announcements = yield* Announcements
      const runFork = Effect.runForkWith(yield* Effect.context<never>())
      const one = Semaphore.makeUnsafe(1)
      // Until the ledger is read for the first time, there is the one that is always there.
      let polls: ReadonlyMap<string, Poll> = new Map([[defaultPoll.slug, defaultPoll]])
      let missed = 0
      // Whether the ledger answered when it was asked last: only then is a poll that is not here nowhere.
      let upToDate = false

      const read = Effect.match(store.list, {
        onSuccess: (list) => {
          const read = new Map(list.map((poll) => [poll.slug, poll]))
          polls = read.has(defaultPoll.slug) ? read : read.set(defaultPoll.slug, defaultPoll)
          upToDate = true
        },
        onFailure: () => {
          upToDate = false
        }
      }).pipe(one.withPermits(1))

      yield* announcements.listen("poll", () => void runFork(read))
      const first = yield* Effect.forkScoped(Effect.andThen(migrated, read))
      yield* Effect.sleep(refreshInterval).pipe(Effect.andThen(read), Effect.forever, Effect.forkScoped)

      const get = Effect.fnUntraced(function* (slug: string) {
        const known = polls.get(slug)
        if (known !== undefined) return known
        yield* Effect.timeoutOption(Fiber.await(first), patience)
        const now = yield* Clock.currentTimeMillis
        if (now - missed >= missInterval) {
          missed = now
          yield* read
        }
        const found = polls.get(slug)
        if (found !== undefined) return found
        return yield* upToDate
          ? new NotFound({ detail: "There is no such poll" })
          : new Unavailable({ detail: "Polls temporarily unavailable" })
      })

      return PollCache.of({
        all: () => [...polls.values()],
        find: (slug) => polls.get(slug),
        get,
        changed: (slug) => Effect.andThen(read, announcements.announce("poll", slug))
      })
    })
  )
}
