import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, References, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Bodies } from "../../../src/http/body/Bodies.ts"
import { Defences } from "../../../src/http/Defences.ts"
import { HttpSettings } from "../../../src/http/HttpSettings.ts"
import { Lifecycle } from "../../../src/http/Lifecycle.ts"
import { Probes } from "../../../src/http/operations/Probes.ts"
import { PageFiles } from "../../../src/http/pages/PageFiles.ts"
import { PublicFolder } from "../../../src/http/pages/PublicFolder.ts"
import { PollCache } from "../../../src/http/polls/PollCache.ts"
import { LiveResults, type Snapshot } from "../../../src/http/results/LiveResults.ts"
import { LiveStreams } from "../../../src/http/results/LiveStreams.ts"
import { serve, type Viewer } from "../../../src/http/results/Viewer.ts"
import { ViewerPlaces } from "../../../src/http/results/ViewerPlaces.ts"
import { Visibility } from "../../../src/http/results/Visibility.ts"
import { layerServer } from "../../../src/http/Server.ts"
import { SignIns } from "../../../src/http/SignIns.ts"
import { Ballots } from "../../../src/http/voting/Ballots.ts"
import { Challenges } from "../../../src/http/voting/Challenges.ts"
import { Voters } from "../../../src/http/voting/Voters.ts"
import { httpSettings, publicFolder, until } from "../../support/api.ts"
import { openEvents } from "../../support/events.ts"
import { noBallots } from "../../support/tallied.ts"
import { serverPort } from "../../support/wire.ts"
import { within } from "../../support/within.ts"
import { layerMocks, newWorld, World } from "../../support/world.ts"

/** As large as the connection's buffers together, so that one that is not read is full soon. */
const padding = "x".repeat(8 * 2 ** 20)

const snapshot = (revision: number): Snapshot => ({
  body: JSON.stringify({ revision, padding }),
  etag: "",
  revision,
  epoch: "a1",
  id: `${revision}-a1`,
  status: "open",
  readAt: 0,
  results: {
    poll: "",
    ...noBallots,
    status: "open",
    results: [],
    total_votes: 0,
    pending: 0,
    revision,
    last_updated: ""
  }
})

/** Viewers are served by the app, or past it. */
type By = "app" | "lane"

/** The real server, whose results change with each reading. */
const layerLarge = (by: By) =>
  Layer.suspend(() => {
    let revision = 0
    return layerServer.pipe(
      Layer.provideMerge(LiveStreams.layer),
      Layer.provide(Visibility.layer),
      Layer.provide(Ballots.layer),
      Layer.provideMerge(Challenges.layer),
      Layer.provide([
        Voters.layer,
        PollCache.layer,
        Probes.layer,
        Bodies.layer,
        ViewerPlaces.layer,
        SignIns.layer,
        PageFiles.layer,
        Layer.succeed(LiveResults, {
          fresh: () => (by === "lane" ? snapshot(revision) : undefined),
          current: () => Effect.sync(() => snapshot(revision)),
          latest: () => Effect.sync(() => snapshot(++revision)),
          shown: () => Effect.sync(() => snapshot(revision))
        })
      ]),
      Layer.provideMerge(Defences.layer),
      Layer.provide([
        layerMocks,
        Layer.succeed(PublicFolder, publicFolder),
        Layer.succeed(HttpSettings, httpSettings())
      ]),
      Layer.provideMerge(Layer.mergeAll(Layer.sync(World, newWorld), Lifecycle.layer)),
      Layer.provide(Layer.succeed(References.MinimumLogLevel, "None"))
    )
  })

const stalled = Effect.fnUntraced(function* (by: By) {
  const scope = yield* Effect.acquireRelease(Scope.make(), (open) => Scope.close(open, Exit.void))
  const context = yield* Layer.buildWithScope(layerLarge(by), scope)
  const viewer = yield* Effect.provideContext(openEvents("/api/results/stream"), context)
  viewer.stall()
  return { context, stop: Scope.close(scope, Exit.void), viewer }
})

describe.for<By>(["app", "lane"])("a viewer that does not read, served by the %s", (by) => {
  it.effect("is dropped after some time, its connection with it", () =>
    Effect.gen(function* () {
      const { context } = yield* stalled(by)
      const streams = yield* Effect.provideContext(LiveStreams, context)
      yield* until(() => streams.viewers() === 1)
      let seconds = 0
      while (streams.viewers() > 0 && seconds < 60) {
        yield* TestClock.adjust("1 second")
        yield* Effect.promise(() => sleep(5))
        seconds++
      }
      assert.isAtLeast(seconds, 15)
      assert.isBelow(seconds, 25)
    }).pipe(Effect.scoped)
  )

  it.effect("is forgotten when its connection ends before its turn has come on it", () =>
    Effect.gen(function* () {
      const context = yield* Layer.build(layerLarge(by))
      const streams = yield* Effect.provideContext(LiveStreams, context)
      const port = yield* Effect.provideContext(serverPort, context)
      const get = "GET /api/results/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
      const socket = connect(port, "127.0.0.1", () => socket.write(get + get))
      yield* until(() => streams.viewers() === 2)
      socket.destroy()
      for (let seconds = 0; streams.viewers() > 0 && seconds < 25; seconds++) {
        yield* TestClock.adjust("1 second")
        yield* Effect.promise(() => sleep(5))
      }
      assert.strictEqual(streams.viewers(), 0)
    }).pipe(Effect.scoped)
  )

  it.live("holds up no shutdown", () =>
    Effect.gen(function* () {
      const { context, stop } = yield* stalled(by)
      const streams = yield* Effect.provideContext(LiveStreams, context)
      yield* until(() => streams.viewers() === 1)
      yield* Effect.sleep("500 millis")
      yield* within(3_000, stop)
    }).pipe(Effect.scoped)
  )
})

describe("a viewer", () => {
  const makeViewer = () => {
    const seen = { waiting: false, sent: 0, drops: 0 }
    const outlet = {
      send: () => void seen.sent++,
      isWaiting: () => seen.waiting,
      end: () => {},
      drop: () => void seen.drops++
    }
    return { seen, viewer: { outlet, shown: undefined, sentAt: 0, waitingSince: undefined } satisfies Viewer as Viewer }
  }

  it("is dropped once it has taken nothing for a while, however often it was slow before", () => {
    const { seen, viewer } = makeViewer()
    const at = (seconds: number, waiting: boolean) => {
      seen.waiting = waiting
      return serve(viewer, undefined, seconds * 1_000)
    }
    assert.deepStrictEqual([at(1, true), at(15, true), at(16, false)], [true, true, true])
    assert.deepStrictEqual([at(17, true), at(31, true), at(33, true)], [true, true, false])
    assert.strictEqual(seen.drops, 1)
  })

  it("is sent the tabulation of what it has seen, once that is made", () => {
    const { seen, viewer } = makeViewer()
    const tabulation = { revision: 1 } as NonNullable<Snapshot["results"]["tabulation"]>
    const first = snapshot(1)
    const tabulated = { ...first, results: { ...first.results, tabulation } }
    const sent = [first, first, tabulated, { ...tabulated }, first].map((latest) => {
      serve(viewer, latest, 0)
      return seen.sent
    })
    assert.deepStrictEqual(sent, [1, 1, 2, 2, 2])
  })
})
