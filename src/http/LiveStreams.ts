import { type Cause, Clock, Context, Deferred, Effect, Fiber, Latch, Layer, Option, Queue, Stream } from "effect"
import type { NotFound, Unavailable } from "../domain/Problems.ts"
import { makeMeter } from "../Metrics.ts"
import { Announcements } from "../stream/Announcements.ts"
import { Lifecycle } from "./Lifecycle.ts"
import { LiveResults, type Snapshot } from "./LiveResults.ts"
import { comment, frameOf, serve, type Viewer } from "./Viewer.ts"

/** At most ten changes a second, however many votes and viewers there are. */
const pace = "100 millis"
/** So many viewers are served at once, and then votes have their turn: thousands of viewers must not make them wait. */
const slice = 50
const breath = "5 millis"
/** How often the ledger is asked without being told of a change. */
const lookInterval = "1 second"
/** How long a shutdown leaves viewers to read the end. */
const goodbye = "1 second"

interface Hub {
  readonly viewers: Set<Viewer>
  readonly news: Latch.Latch
  fiber?: Fiber.Fiber<void>
}

/** Results as Server-Sent Events: the ledger is read once for all viewers of a poll, and each change sent to all. */
export class LiveStreams extends Context.Service<
  LiveStreams,
  {
    /**
     * The present state at once, unless `lastEventId` says that the viewer has it, then each change; ends at shutdown,
     * and for a viewer that does not keep up: `drop` has to end its connection, which may take no more of the stream.
     */
    watch(
      poll: string,
      lastEventId: string | undefined,
      drop: () => void
    ): Effect.Effect<Stream.Stream<Uint8Array>, NotFound | Unavailable>
    /** How many viewers there are. */
    readonly viewers: () => number
  }
>()("tallykeep/http/LiveStreams") {
  static readonly layer = Layer.effect(
    LiveStreams,
    Effect.gen(function* () {
      const results = yield* LiveResults
      const lifecycle = yield* Lifecycle
      const announcements = yield* Announcements
      const scope = yield* Effect.scope
      const hubs = new Map<string, Hub>()

      yield* announcements.listen("tally", (poll) => hubs.get(poll)?.news.openUnsafe())
      yield* announcements.listen("poll", (poll) => hubs.get(poll)?.news.openUnsafe())
      yield* Deferred.await(lifecycle.stop).pipe(
        Effect.andThen(
          Effect.suspend(() => {
            const all = [...hubs.values()].flatMap(({ viewers }) => [...viewers])
            for (const { frames } of all) Queue.endUnsafe(frames)
            const dropAll = Effect.sync(() => {
              for (const { drop } of all) drop()
            })
            return Effect.andThen(Effect.sleep(goodbye), dropAll)
          })
        ),
        Effect.forkScoped
      )

      const run = Effect.fnUntraced(function* (poll: string, { news, viewers }: Hub) {
        while (true) {
          yield* Effect.timeoutOption(news.await, lookInterval)
          news.closeUnsafe()
          const latest = Option.getOrUndefined(yield* Effect.option(results.latest(poll)))
          const all = [...viewers]
          for (let from = 0; from < all.length; from += slice) {
            if (from > 0) yield* Effect.sleep(breath)
            const now = yield* Clock.currentTimeMillis
            for (const viewer of all.slice(from, from + slice)) if (!serve(viewer, latest, now)) viewers.delete(viewer)
          }
          yield* Effect.sleep(pace)
        }
      })

      const leave = (poll: string, hub: Hub, viewer: Viewer) =>
        Effect.suspend(() => {
          hub.viewers.delete(viewer)
          if (hub.viewers.size > 0 || hub.fiber === undefined) return Effect.void
          hubs.delete(poll)
          return Effect.asVoid(Fiber.interrupt(hub.fiber))
        })

      const join = Effect.fnUntraced(function* (
        poll: string,
        snapshot: Snapshot,
        lastEventId: string | undefined,
        drop: () => void
      ) {
        const frames = yield* Queue.sliding<Uint8Array, Cause.Done>(1)
        const viewer: Viewer = { frames, drop, shown: snapshot, sentAt: yield* Clock.currentTimeMillis }
        // A poll that closes by its time does so without a new revision.
        const has = lastEventId === String(snapshot.revision) && snapshot.status === "open"
        // The head of the answer goes out with the first bytes of its body.
        Queue.offerUnsafe(frames, has ? comment : frameOf(snapshot))
        if (lifecycle.phase === "stopping") Queue.endUnsafe(frames)
        const hub: Hub = hubs.get(poll) ?? { viewers: new Set(), news: Latch.makeUnsafe(false) }
        hubs.set(poll, hub)
        hub.viewers.add(viewer)
        hub.fiber ??= yield* Effect.forkIn(run(poll, hub), scope)
        // What has changed since the snapshot, and before this viewer was there.
        hub.news.openUnsafe()
        return Stream.fromQueue(frames).pipe(Stream.ensuring(leave(poll, hub, viewer)))
      })

      // A viewer is one from when its stream is run: for a HEAD, it never is.
      const watch = (poll: string, lastEventId: string | undefined, drop: () => void) =>
        Effect.map(results.current(poll), (snapshot) => Stream.unwrap(join(poll, snapshot, lastEventId, drop)))

      const viewers = () => [...hubs.values()].reduce((sum, { viewers }) => sum + viewers.size, 0)
      const meter = yield* makeMeter
      yield* meter.gauge("tallykeep_viewers", "Viewers of live results", viewers)

      return LiveStreams.of({ watch, viewers })
    })
  )
}
