import { Effect, Layer } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import { elapsed } from "../Elapsed.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { type ClosedPoll, PollStore } from "../ledger/PollStore.ts"
import { Announcements } from "../stream/Announcements.ts"
import { makeCountedUpTo } from "../stream/CountedUpTo.ts"
import { makeOutageLog } from "../stream/Outage.ts"
import type { Redis } from "../stream/Redis.ts"
import { Shards } from "../stream/Shards.ts"
import { StreamSettings } from "../stream/StreamSettings.ts"
import { type Turns, takeTurns } from "../stream/Turns.ts"
import { VoteStream } from "../stream/VoteStream.ts"

/** How long it is believed which polls close next, in ms, unless a change is announced: as long as an api believes what polls are. */
const believed = 5_000
/** Nobody announces that a closing time has come: it is looked for often once it is near. */
const turns: Turns = { topics: ["poll"], soonest: 500, latest: 500, quiet: believed }
/** How near that is, in ms: further away than the next turn. */
const lookAhead = 6_000

/**
 * Makes the function that makes results final: those of closed polls whose votes that were accepted in time are all in the
 * ledger. That is so when no shard has an entry from before the closing time that is not acked, and none can take one any more
 * (counted_up_to.lua). While one shard can't be asked, it fails. Several processes may do it at once; it returns the polls whose
 * results have become final by this one. `waiting` tells whether a poll is not final that closes soon, or has closed.
 */
export const makeFinishing = Effect.gen(function* () {
  const shards = yield* Shards
  const stream = yield* VoteStream
  const store = yield* PollStore
  const { announce, listen } = yield* Announcements
  const countedUpTo = makeCountedUpTo(yield* StreamSettings)

  let closing: ReadonlyArray<ClosedPoll> = []
  let readAt = Number.NEGATIVE_INFINITY
  const forget = () => {
    readAt = Number.NEGATIVE_INFINITY
  }
  yield* listen("poll", forget)

  /** The database is asked seldom while no poll closes, and each time while one is closed and not final. */
  const findClosed = Effect.gen(function* () {
    const [now, at] = [stream.now(), yield* elapsed]
    if (closing.length === 0 || at - readAt >= believed) {
      readAt = at
      closing = yield* Effect.tapError(store.counting(now + lookAhead), () => Effect.sync(forget))
    }
    const closed = closing.filter(({ closesMs }) => closesMs <= now)
    if (closed.length > 0) forget()
    return closed
  })

  const finish = Effect.gen(function* (): Effect.fn.Return<ReadonlyArray<string>, OutOfService> {
    const closed = yield* findClosed
    const [first, last] = [closed[0], closed.at(-1)]
    if (first === undefined || last === undefined) return []
    const current = yield* countedUpTo(shards.current, last.closesMs)
    // Most often it is the current shards that have votes to count; only then are all others looked for.
    if (current < first.closesMs) return []
    const others = (yield* shards.possible).filter((shard) => !shards.current.includes(shard))
    const upTo = yield* countedUpTo(others, current)
    const finished: Array<string> = []
    for (const { closesMs, slug } of closed) {
      if (closesMs > upTo || !(yield* store.finish(slug, upTo))) continue
      finished.push(slug)
      yield* Effect.all([announce("poll", slug), announce("tally", slug)], { discard: true })
      yield* Effect.annotateLogs(Effect.logInfo("The result is final"), { poll: slug })
    }
    return finished
  })
  return { finish, waiting: () => closing.length > 0 }
})

/** Makes results final again and again, as long as the process lives. */
export const layerFinality: Layer.Layer<
  never,
  never,
  Redis | StreamSettings | VoteStream | Ledger | PollStore | Announcements
> = Layer.effectDiscard(
  Effect.gen(function* () {
    const { finish, waiting } = yield* makeFinishing
    const { migrated } = yield* Ledger
    const outage = makeOutageLog("Making results final")
    const turn = finish.pipe(
      Effect.andThen(outage.up),
      Effect.map(waiting),
      // After a failure nobody knows what waits: it is tried again soon. The pool tells of an outage of the database.
      Effect.catch((error) =>
        error.part === "database" ? Effect.logDebug(error.message) : outage.down("make results final", error.message)
      ),
      Effect.catchCause((cause) => Effect.logError("Making results final has failed", cause))
    )
    yield* Effect.forkScoped(Effect.andThen(migrated, takeTurns(turn, turns)))
  })
).pipe(Layer.provide(Shards.layer))
