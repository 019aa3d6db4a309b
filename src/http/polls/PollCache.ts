import { Cause, Context, Deferred, Effect, Fiber, Layer, Option, Semaphore } from "effect"
import { defaultPoll, type Poll } from "../../domain/Poll.ts"
import { pollStatus } from "../../domain/PollStatus.ts"
import { NotFound, Unavailable } from "../../domain/Problems.ts"
import { elapsed, untilBeat } from "../../Elapsed.ts"
import { Ledger } from "../../ledger/Ledger.ts"
import { PollStore } from "../../ledger/PollStore.ts"
import { remedyOf } from "../../ledger/SqlFailure.ts"
import { Announcements } from "../../stream/Announcements.ts"
import { makeOutageLog } from "../../stream/Outage.ts"
import { VoteStream } from "../../stream/VoteStream.ts"

/** How often the polls are read without being told of a change, in ms; while a poll counts, its readers wait for the result. */
const refreshInterval = 5_000
const countingInterval = 1_000
/**
 * How long after reading all polls for requests that would be refused by what is known here, which wait together, they may be read for
 * those again: three times as long as it took, from a quarter of a second to one, in ms. Anybody can ask for what there is not.
 */
const restRatio = 3
const shortestRest = 250
const longestRest = 1_000
/** How long a request waits for the first reading; in a new database, the tables are made before it. */
const patienceAtFirst = "500 millis"
/** How long a request waits for the reading that says whether there is such a poll, or what it is by now. */
const patience = "2 seconds"

/** The polls as this process knows them: in memory, since the way of a vote does not ask the database. */
export class PollCache extends Context.Service<
  PollCache,
  {
    /** Returns all polls, the newest first: the same array until one has changed. */
    readonly all: () => ReadonlyArray<Poll>
    readonly find: (slug: string) => Poll | undefined
    /** Returns a poll that may have been made a moment ago; fails with Unavailable while that can't be told. */
    get(slug: string): Effect.Effect<Poll, NotFound | Unavailable>
    /** Returns what has become of a poll: as it is known here, another process may have changed it a moment ago. */
    renewed(poll: Poll): Effect.Effect<Poll>
    /** Reads the polls again here, and has all other processes do so as soon as they hear of it, and show their viewers. */
    changed(slug: string): Effect.Effect<void>
  }
>()("tallykeep/http/polls/PollCache") {
  static readonly layer = Layer.effect(
    PollCache,
    Effect.gen(function* () {
      const { migrated } = yield* Ledger
      const store = yield* PollStore
      const { now } = yield* VoteStream
      const announcements = yield* Announcements
      const runFork = Effect.runForkWith(yield* Effect.context<never>())
      const one = Semaphore.makeUnsafe(1)
      // Until the ledger is read for the first time, only the default poll is known.
      let polls: ReadonlyMap<string, Poll> = new Map([[defaultPoll.slug, defaultPoll]])
      let list = [...polls.values()]
      let kept: ReadonlyArray<Poll> = []
      // Whether the last reading succeeded: only then does a poll that is unknown here not exist.
      let upToDate = false

      /** Whoever runs an API learns from it that the database is away, or takes no writes: votes are taken without it. */
      const outage = makeOutageLog("Reading the polls")
      // What is in the way of that, says whoever brings the tables up to date.
      let hasTables = false

      const readNow = Effect.matchEffect(store.list, {
        onSuccess: (stored) => {
          upToDate = true
          if (stored === kept) return outage.up
          kept = stored
          const read = new Map(stored.map((poll) => [poll.slug, poll]))
          polls = read.has(defaultPoll.slug) ? read : read.set(defaultPoll.slug, defaultPoll)
          list = [...polls.values()]
          return outage.up
        },
        onFailure: (error) => {
          upToDate = false
          return hasTables ? outage.down("read the polls", error.message, remedyOf(error)) : Effect.void
        }
      }).pipe(
        // A defect leaves it open as well whether there is a poll.
        Effect.catchCause((cause) => {
          upToDate = false
          // At the end the connections close before a reading that nobody waits for.
          return Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logError("The polls can't be read", cause)
        })
      )

      /** Returns a reading that all share who ask before it begins, which is once `turn` lets it. */
      const shared = (turn: (reading: Effect.Effect<void>) => Effect.Effect<void>, reading: Effect.Effect<void>) => {
        let next: Deferred.Deferred<void> | undefined
        const begin = Effect.sync(() => {
          next = undefined
        })
        return Effect.suspend(() => {
          if (next !== undefined) return Deferred.await(next)
          const mine = Deferred.makeUnsafe<void>()
          next = mine
          runFork(turn(Effect.andThen(begin, reading)).pipe(Effect.ensuring(Deferred.succeed(mine, undefined))))
          return Deferred.await(mine)
        })
      }
      const read = shared(one.withPermit, readNow)
      const oneAgain = Semaphore.makeUnsafe(1)
      let mayReadAgain = Number.NEGATIVE_INFINITY
      const readAgain = shared(
        (reading) =>
          Effect.gen(function* () {
            yield* Effect.sleep(Math.max(0, mayReadAgain - (yield* elapsed)))
            const begun = yield* elapsed
            yield* reading
            const ended = yield* elapsed
            mayReadAgain = ended + Math.min(longestRest, Math.max(shortestRest, restRatio * (ended - begun)))
          }).pipe(oneAgain.withPermit),
        read
      )

      yield* announcements.listen("poll", () => void runFork(read))
      const withTables = Effect.map(migrated, () => {
        hasTables = true
      })
      const first = yield* Effect.forkScoped(Effect.andThen(withTables, read))
      const pause = Effect.suspend(() => {
        const counting = list.some((poll) => pollStatus(poll, now()) === "counting")
        return Effect.flatMap(untilBeat(counting ? countingInterval : refreshInterval), Effect.sleep)
      })
      yield* pause.pipe(Effect.andThen(read), Effect.forever, Effect.forkScoped)

      const get = Effect.fnUntraced(function* (slug: string) {
        const known = polls.get(slug)
        if (known !== undefined) return known
        yield* Effect.timeoutOption(Fiber.await(first), patienceAtFirst)
        const told = yield* Effect.timeoutOption(readAgain, patience)
        const found = polls.get(slug)
        if (found !== undefined) return found
        return yield* upToDate && Option.isSome(told)
          ? new NotFound({ detail: "There is no such poll" })
          : new Unavailable({ detail: "Polls temporarily unavailable" })
      })

      return PollCache.of({
        all: () => list,
        find: (slug) => polls.get(slug),
        get,
        renewed: (poll) => Effect.map(Effect.timeoutOption(readAgain, patience), () => polls.get(poll.slug) ?? poll),
        changed: (slug) =>
          Effect.all([read, announcements.announce("poll", slug), announcements.announce("tally", slug)], {
            discard: true
          })
      })
    })
  )
}
