import { type Cause, Clock, Context, Deferred, Effect, Fiber, Latch, Layer, Queue, Stream } from "effect"
import type { NotFound, Unavailable } from "../domain/Problems.ts"
import { Announcements } from "../stream/Announcements.ts"
import { Lifecycle } from "./Lifecycle.ts"
import { LiveResults, type Snapshot } from "./LiveResults.ts"

/** At most ten changes a second, however many votes and viewers there are. */
const pace = "100 millis"
/** How often the ledger is asked without being told of a change. */
const lookInterval = "1 second"
/** How often a quiet connection gets a comment, so that nobody in between takes it for dead, in ms. */
const heartbeat = 15_000
/** How long a viewer may leave what it is sent unread, in ms, before it is dropped. */
const patience = 15_000

type Frames = Queue.Queue<Uint8Array, Cause.Done>

interface Hub {
  /** The viewers, and since when each has not taken what is waiting for it. */
  readonly viewers: Map<Frames, number | undefined>
  readonly news: Latch.Latch
  fiber?: Fiber.Fiber<void>
}

const encoder = new TextEncoder()
const comment = encoder.encode(":\n\n")

/** The body holds no line break: it is JSON as one line. */
const frameOf = ({ body, revision }: Snapshot): Uint8Array =>
  encoder.encode(`event: tally\nid: ${revision}\ndata: ${body}\n\n`)

/** Results as Server-Sent Events: the ledger is read once for all viewers of a poll, and each change sent to all. */
export class LiveStreams extends Context.Service<
  LiveStreams,
  {
    /**
     * The present state at once, unless `lastEventId` says that the viewer has it, then each change; ends at shutdown,
     * and for a viewer that does not keep up.
     */
    watch(
      poll: string,
      lastEventId: string | undefined
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
          Effect.sync(() => {
            for (const { viewers } of hubs.values()) for (const frames of viewers.keys()) Queue.endUnsafe(frames)
          })
        ),
        Effect.forkScoped
      )

      /** Only what is latest waits for a viewer, so a slow one costs no memory, and one that is stuck is dropped. */
      const send = (hub: Hub, frame: Uint8Array, now: number) => {
        for (const [frames, since] of hub.viewers) {
          const waiting = Queue.sizeUnsafe(frames) > 0
          if (waiting && since !== undefined && now - since > patience) Queue.endUnsafe(frames)
          else {
            hub.viewers.set(frames, waiting ? (since ?? now) : undefined)
            if (frame !== comment || !waiting) Queue.offerUnsafe(frames, frame)
          }
        }
      }

      const run = Effect.fnUntraced(function* (poll: string, hub: Hub, first: Snapshot) {
        let shown = first
        let sentAt = yield* Clock.currentTimeMillis
        while (true) {
          yield* Effect.timeoutOption(hub.news.await, lookInterval)
          hub.news.closeUnsafe()
          const latest = yield* Effect.option(results.latest(poll))
          const now = yield* Clock.currentTimeMillis
          // Another process may answer from a replica that is behind: revisions only rise.
          const changed = latest._tag === "Some" && isNewer(latest.value, shown)
          if (changed) shown = latest.value
          if (changed || now - sentAt >= heartbeat) {
            send(hub, changed ? frameOf(shown) : comment, now)
            sentAt = now
          }
          yield* Effect.sleep(pace)
        }
      })

      const leave = (poll: string, hub: Hub, frames: Frames) =>
        Effect.suspend(() => {
          hub.viewers.delete(frames)
          if (hub.viewers.size > 0 || hub.fiber === undefined) return Effect.void
          hubs.delete(poll)
          return Effect.asVoid(Fiber.interrupt(hub.fiber))
        })

      const watch = Effect.fnUntraced(function* (poll: string, lastEventId: string | undefined) {
        const snapshot = yield* results.current(poll)
        const frames = yield* Queue.sliding<Uint8Array, Cause.Done>(1)
        if (lastEventId !== String(snapshot.revision)) Queue.offerUnsafe(frames, frameOf(snapshot))
        if (lifecycle.stopping) Queue.endUnsafe(frames)
        const hub: Hub = hubs.get(poll) ?? { viewers: new Map(), news: Latch.makeUnsafe(false) }
        hubs.set(poll, hub)
        hub.viewers.set(frames, undefined)
        hub.fiber ??= yield* Effect.forkIn(run(poll, hub, snapshot), scope)
        // What has changed since the snapshot, and before this viewer was there.
        hub.news.openUnsafe()
        return Stream.fromQueue(frames).pipe(Stream.ensuring(leave(poll, hub, frames)))
      })

      return LiveStreams.of({
        watch,
        viewers: () => [...hubs.values()].reduce((sum, { viewers }) => sum + viewers.size, 0)
      })
    })
  )
}

const isNewer = (latest: Snapshot, shown: Snapshot): boolean =>
  latest.revision > shown.revision || (latest.revision === shown.revision && latest.status !== shown.status)
