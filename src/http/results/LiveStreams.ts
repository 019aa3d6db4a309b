import { Clock, Context, Deferred, Effect, type Fiber, FiberMap, Latch, Layer, Stream } from "effect"
import type { NotFound } from "../../domain/Problems.ts"
import { elapsedMs } from "../../Elapsed.ts"
import { makeMeter } from "../../Meter.ts"
import { Announcements } from "../../stream/Announcements.ts"
import { Lifecycle } from "../Lifecycle.ts"
import { PollCache } from "../polls/PollCache.ts"
import { LiveResults, type Snapshot } from "./LiveResults.ts"
import { comment, frameOf, type Outlet, queueOutlet, serve, type Viewer } from "./Viewer.ts"

/** The least time between two changes: viewers get at most ten a second, however many votes there are. */
const pace = "100 millis"
/** How many viewers are served before votes have their turn: thousands of viewers must not make them wait. */
const slice = 30
const breath = "1 millis"
/** How often the ledger is asked without being told of a change. */
const lookInterval = "1 second"
/** How long a new viewer waits for the present state, until its stream begins without. */
const patience = "1 second"
/** How long a shutdown leaves viewers to read the end. */
const goodbye = "1 second"

interface Hub {
  readonly viewers: Set<Viewer>
  readonly news: Latch.Latch
  readonly fiber: Fiber.Fiber<void>
}

const endAll = (viewers: Set<Viewer>): undefined => {
  for (const { outlet } of viewers) outlet.end()
  viewers.clear()
}

/** Results as Server-Sent Events: the ledger is read once for all viewers of a poll, and each change sent to all. */
export class LiveStreams extends Context.Service<
  LiveStreams,
  {
    /**
     * Sends a new viewer of a poll the present state at once, unless `lastEventId` says that it has it, and then each
     * change, until the shutdown. Where the present state is not known, it comes as soon as it is. A viewer that does not
     * keep up is dropped. Returns what is to be called when it leaves.
     */
    join(poll: string, present: Snapshot | undefined, lastEventId: string | undefined, outlet: Outlet): () => void
    /** Returns the same as a stream. `drop` has to end the viewer's connection, which may take no more bytes. */
    watch(
      poll: string,
      lastEventId: string | undefined,
      drop: () => void
    ): Effect.Effect<Stream.Stream<Uint8Array>, NotFound>
    /** How many viewers there are. */
    readonly viewers: () => number
  }
>()("tallykeep/http/results/LiveStreams") {
  static readonly layer = Layer.effect(
    LiveStreams,
    Effect.gen(function* () {
      const results = yield* LiveResults
      const polls = yield* PollCache
      const lifecycle = yield* Lifecycle
      const announcements = yield* Announcements
      const clock = yield* Clock.Clock
      const run = yield* FiberMap.runtime(yield* FiberMap.make<string, void>())()
      const hubs = new Map<string, Hub>()

      const hear = (poll: string | undefined) => {
        for (const hub of poll === undefined ? hubs.values() : [hubs.get(poll)]) hub?.news.openUnsafe()
      }
      yield* announcements.listen("tally", hear)
      yield* announcements.listen("poll", hear)
      yield* Deferred.await(lifecycle.stop).pipe(
        Effect.andThen(
          Effect.suspend(() => {
            const all = [...hubs.values()].flatMap(({ viewers }) => [...viewers])
            for (const { viewers } of hubs.values()) endAll(viewers)
            const dropAll = Effect.sync(() => {
              for (const { outlet } of all) outlet.drop()
            })
            return Effect.andThen(Effect.sleep(goodbye), dropAll)
          })
        ),
        Effect.forkScoped
      )

      /** Ends the streams of who saw a final result that is not final any more, where others than final ones are not for all. */
      const endOfFinal = (poll: string, viewers: Set<Viewer>): void => {
        if (polls.find(poll)?.results === "live") return
        for (const viewer of viewers) {
          if (viewer.shown?.status !== "final") continue
          viewer.outlet.end()
          viewers.delete(viewer)
        }
      }

      const keepTelling = Effect.fnUntraced(function* (poll: string, viewers: Set<Viewer>, news: Latch.Latch) {
        while (true) {
          yield* Effect.timeoutOption(news.await, lookInterval)
          news.closeUnsafe()
          const latest = yield* results.latest(poll).pipe(
            Effect.catchTags({
              Unavailable: () => Effect.undefined,
              // Its ledger was made anew without it: whoever comes back is told.
              NotFound: () => Effect.sync(() => endAll(viewers))
            })
          )
          if (latest !== undefined && latest.status !== "final") endOfFinal(poll, viewers)
          const all = [...viewers]
          for (let from = 0; from < all.length; from += slice) {
            if (from > 0) yield* Effect.sleep(breath)
            const now = elapsedMs(clock)
            for (const viewer of all.slice(from, from + slice)) {
              if (viewers.has(viewer) && !serve(viewer, latest, now)) viewers.delete(viewer)
            }
          }
          // All were ended or dropped, and no connection was left to say so.
          if (viewers.size === 0) {
            hubs.delete(poll)
            return
          }
          yield* Effect.sleep(pace)
        }
      })

      const open = (poll: string): Hub => {
        const viewers = new Set<Viewer>()
        const news = Latch.makeUnsafe(false)
        const hub = { viewers, news, fiber: run(poll, keepTelling(poll, viewers, news)) }
        hubs.set(poll, hub)
        return hub
      }

      const leave = (poll: string, hub: Hub, viewer: Viewer): void => {
        hub.viewers.delete(viewer)
        if (hub.viewers.size > 0 || hubs.get(poll) !== hub) return
        hubs.delete(poll)
        hub.fiber.interruptUnsafe()
      }

      const join: LiveStreams["Service"]["join"] = (poll, present, lastEventId, outlet) => {
        // A poll that closes by its time does so without a new revision; it becomes final with one.
        const has = lastEventId === present?.id && (present?.status === "open" || present?.status === "final")
        // The head of the answer goes out with the first bytes of its body.
        outlet.send(has || present === undefined ? comment : frameOf(present))
        if (lifecycle.phase === "stopping") {
          outlet.end()
          return () => undefined
        }
        const hub = hubs.get(poll) ?? open(poll)
        const sentAt = elapsedMs(clock)
        const viewer: Viewer = { outlet, shown: present, sentAt, waitingSince: undefined }
        hub.viewers.add(viewer)
        // Something may have changed between that reading and now.
        hub.news.openUnsafe()
        return () => leave(poll, hub, viewer)
      }

      const present = (poll: string) =>
        results.current(poll).pipe(
          Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.undefined }),
          Effect.catchTag("Unavailable", () => Effect.undefined)
        )

      // A viewer joins when its stream is run, which for a HEAD never happens.
      const watch = (poll: string, lastEventId: string | undefined, drop: () => void) =>
        Effect.map(present(poll), (present) =>
          Stream.callback<Uint8Array>(
            (frames) =>
              Effect.acquireRelease(
                Effect.sync(() => join(poll, present, lastEventId, queueOutlet(frames, drop))),
                (left) => Effect.sync(left)
              ),
            { bufferSize: 1, strategy: "sliding" }
          )
        )

      const viewers = () => [...hubs.values()].reduce((sum, { viewers }) => sum + viewers.size, 0)
      const meter = yield* makeMeter
      yield* meter.gauge("tallykeep_viewers", "Viewers of live results", viewers)

      return LiveStreams.of({ join, watch, viewers })
    })
  )
}
