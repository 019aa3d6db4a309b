import { Effect, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { defaultPoll } from "../../src/domain/Poll.ts"
import type { NotFound, Unavailable } from "../../src/domain/Problems.ts"
import { Lifecycle } from "../../src/http/Lifecycle.ts"
import { PollCache } from "../../src/http/polls/PollCache.ts"
import { LiveResults, type Snapshot } from "../../src/http/results/LiveResults.ts"
import { LiveStreams } from "../../src/http/results/LiveStreams.ts"
import { Announcements, type Topic } from "../../src/stream/Announcements.ts"

import { noBallots } from "./tallied.ts"

export const poll = "tea-or-coffee"

export const snapshot = (revision: number, status: Snapshot["status"] = "open", epoch = "a1"): Snapshot => ({
  body: `{"revision":${revision},"status":"${status}"}`,
  etag: "",
  revision,
  epoch,
  id: `${revision}-${epoch}`,
  status,
  readAt: 0,
  results: { poll, ...noBallots, status, results: [], total_votes: 0, pending: 0, revision, last_updated: "" }
})

/** What the ledger says, how often it was asked, and what is called with each announcement. */
const makeWorld = () => ({
  current: snapshot(1),
  latest: snapshot(1),
  reads: 0,
  /** Why it can't say anything. */
  away: undefined as NotFound | Unavailable | undefined,
  /** It takes 5 s to answer. */
  hangs: false,
  listeners: new Map<Topic, (poll: string | undefined) => void>()
})

type World = ReturnType<typeof makeWorld>

const reached = (world: World, read: () => Snapshot) =>
  Effect.andThen(
    Effect.suspend(() => (world.hangs ? Effect.sleep("5 seconds") : Effect.void)),
    Effect.suspend(() => (world.away === undefined ? Effect.sync(read) : Effect.fail(world.away)))
  )

const layerStreams = (world: World) =>
  LiveStreams.layer.pipe(
    Layer.provide([
      Layer.succeed(LiveResults, {
        fresh: () => undefined,
        current: () => reached(world, () => world.current),
        shown: () => reached(world, () => world.current),
        latest: () =>
          reached(world, () => {
            world.reads++
            world.current = world.latest
            return world.latest
          })
      }),
      Layer.mock(PollCache, { all: () => [defaultPoll], find: () => defaultPoll }),
      Layer.succeed(Announcements, {
        announce: () => Effect.void,
        listen: (topic, listener) => Effect.sync(() => void world.listeners.set(topic, listener))
      })
    ]),
    Layer.provideMerge(Lifecycle.layer)
  )

export const withStreams = <A, E>(test: (world: World) => Effect.Effect<A, E, LiveStreams | Lifecycle>) => {
  const world = makeWorld()
  return test(world).pipe(Effect.provide(layerStreams(world)))
}

/** Lets a vote be counted. */
export const change = (world: World, latest = snapshot(world.latest.revision + 1)) =>
  Effect.sync(() => {
    world.latest = latest
    world.listeners.get("tally")?.(poll)
  })

/** A viewer that reads at once what it is sent. */
export const view = Effect.fnUntraced(function* (lastEventId?: string) {
  const streams = yield* LiveStreams
  const seen: Array<string> = []
  let drops = 0
  const frames = yield* streams.watch(poll, lastEventId, () => {
    drops++
  })
  const decoder = new TextDecoder()
  const fiber = yield* Effect.forkChild(
    Stream.runForEach(frames, (frame) => Effect.sync(() => void seen.push(decoder.decode(frame))))
  )
  yield* TestClock.adjust(0)
  const ids = () =>
    seen.flatMap((frame) => /^event: tally\nid: (\d+)-\w+\ndata: \{.*\}\n\n$/.exec(frame)?.[1] ?? []).map(Number)
  return { seen, ids, fiber, drops: () => drops }
})
