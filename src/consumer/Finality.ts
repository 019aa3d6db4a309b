import { Effect, Layer, Schedule } from "effect"
import { Ledger } from "../ledger/Ledger.ts"
import { PollStore } from "../ledger/PollStore.ts"
import { Announcements } from "../stream/Announcements.ts"
import { makeOutageLog } from "../stream/Outage.ts"
import { command, type Redis } from "../stream/Redis.ts"
import { makeFence } from "../stream/ReplicatedWrites.ts"
import { type Shard, Shards } from "../stream/Shards.ts"
import { StreamSettings } from "../stream/StreamSettings.ts"
import { VoteStream } from "../stream/VoteStream.ts"

/** How often polls that have closed are looked at. */
const interval = "500 millis"

/**
 * Makes the results of closed polls final, once all votes that were accepted in time are in the ledger. That is so when no
 * shard has an entry from before the closing time that is not acked, and none can take one any more (counted_up_to.lua). While
 * one shard can't be asked, nothing becomes final. Several processes may do it at once.
 */
export const layerFinality: Layer.Layer<
  never,
  never,
  Redis | StreamSettings | VoteStream | Ledger | PollStore | Announcements
> = Layer.effectDiscard(
  Effect.gen(function* () {
    const shards = yield* Shards
    const stream = yield* VoteStream
    const store = yield* PollStore
    const { migrated } = yield* Ledger
    const { announce } = yield* Announcements
    const { appendReplicas, group } = yield* StreamSettings
    const fence = makeFence(appendReplicas)
    const outage = makeOutageLog("Making results final")

    /** Finds the time up to which all these shards are counted: at most `latest`; all in ms since 1970. */
    const countedUpTo = (asked: ReadonlyArray<Shard>, latest: number) =>
      Effect.map(
        Effect.forEach(
          asked,
          (shard) =>
            Effect.tap(
              command(() => shard.client.countedUpTo(shard.stream, group, latest)),
              // A replica that takes over has to know of the raised id.
              () => fence(shard, shard.writer)
            ),
          { concurrency: "unbounded" }
        ),
        (times) => Math.min(latest, ...times.map(Number))
      )

    const look = Effect.gen(function* () {
      const closed = yield* store.counting(stream.now())
      const [first, last] = [closed[0], closed.at(-1)]
      if (first === undefined || last === undefined) return
      const current = yield* countedUpTo(shards.current, last.closesMs)
      // Most often it is the current shards that have votes to count; only then are all others looked for.
      if (current < first.closesMs) return
      const others = (yield* shards.possible).filter((shard) => !shards.current.includes(shard))
      const upTo = yield* countedUpTo(others, current)
      for (const { closesMs, slug } of closed) {
        if (closesMs > upTo || !(yield* store.finish(slug, upTo))) continue
        yield* Effect.annotateLogs(Effect.logInfo("The result is final"), { poll: slug })
        yield* Effect.all([announce("poll", slug), announce("tally", slug)], { discard: true })
      }
    })

    yield* Effect.andThen(
      migrated,
      look.pipe(
        Effect.andThen(outage.up),
        // The pool tells of an outage of the database.
        Effect.catch((error) =>
          error.part === "database" ? Effect.logDebug(error.message) : outage.down("make results final", error.message)
        ),
        Effect.catchCause((cause) => Effect.logError("Making results final has failed", cause)),
        Effect.repeat(Schedule.spaced(interval).pipe(Schedule.jittered))
      )
    ).pipe(Effect.forkScoped)
  })
).pipe(Layer.provide(Shards.layer))
