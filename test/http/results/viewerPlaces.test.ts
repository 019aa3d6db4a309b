import { EventEmitter } from "node:events"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Defences } from "../../../src/http/Defences.ts"
import { HttpSettings } from "../../../src/http/HttpSettings.ts"
import { ViewerPlaces } from "../../../src/http/results/ViewerPlaces.ts"
import { httpSettings } from "../../support/api.ts"

class Socket extends EventEmitter {
  readonly remoteAddress: string
  readableEnded = false

  constructor(remoteAddress: string) {
    super()
    this.remoteAddress = remoteAddress
  }
}

/** Ends as Node's answers do, a moment later. */
class Response extends EventEmitter {
  destroyed = false

  destroy() {
    this.destroyed = true
    queueMicrotask(() => this.emit("close"))
  }
}

/** One who asks for a stream from an address, and the answer. */
const viewer = Effect.fnUntraced(function* (address: string, socket = new Socket(address)) {
  const places = yield* ViewerPlaces
  const response = new Response()
  const request = { headers: {}, socket } as unknown as Parameters<typeof places.take>[0]
  return { response, socket, take: () => places.take(request, response), refuse: () => places.refuse(request) }
})

const reports: Array<string> = []

const layerOf = (bounds: Pick<HttpSettings["Service"], "maxViewers" | "maxViewersPerClient">) =>
  ViewerPlaces.layer.pipe(
    Layer.provide([
      Layer.succeed(HttpSettings, httpSettings(bounds)),
      Layer.succeed(Defences, { report: (what) => void reports.push(what) })
    ])
  )

const layer = layerOf({ maxViewers: 3, maxViewersPerClient: 2 })

describe("the places of viewers", () => {
  it.effect("are so many for an address, so many in all, and free again once an answer has ended", () =>
    Effect.gen(function* () {
      const taken = [yield* viewer("10.0.0.1"), yield* viewer("10.0.0.1"), yield* viewer("10.0.0.2")] as const
      const more = [yield* viewer("10.0.0.1"), yield* viewer("10.0.0.3")] as const
      for (const { take } of taken.slice(0, 2)) assert.isTrue(take())
      assert.isFalse(more[0].take())
      more[0].refuse()
      assert.isTrue(taken[2].take())
      assert.isFalse(more[1].take())
      more[1].refuse()
      assert.deepStrictEqual(reports, ["client_viewers", "viewers"])

      taken[2].response.emit("close")
      assert.isFalse(more[0].take())
      assert.isTrue(more[1].take())
      taken[0].response.emit("close")
      assert.isTrue(more[0].take())
      for (const { response } of [taken[1], ...more]) response.emit("close")
      const [again, other] = [yield* viewer("10.0.0.1"), yield* viewer("10.0.0.1")]
      assert.isTrue(again.take() && other.take())
    }).pipe(Effect.provide(layer))
  )

  it.effect("are given back by a client that closes its side, before its answer or during it", () =>
    Effect.gen(function* () {
      const closed = yield* viewer("10.0.0.1")
      closed.socket.readableEnded = true
      assert.isTrue(closed.take())
      const closing = yield* viewer("10.0.0.1")
      assert.isTrue(closing.take())
      assert.isFalse(closing.response.destroyed)
      closing.socket.emit("end")
      yield* Effect.promise(() => Promise.resolve())
      for (const { response, socket } of [closed, closing]) {
        assert.isTrue(response.destroyed)
        assert.strictEqual(socket.listenerCount("end"), 0)
      }
      const [again, other] = [yield* viewer("10.0.0.1"), yield* viewer("10.0.0.1")]
      assert.isTrue(again.take() && other.take())
    }).pipe(Effect.provide(layer))
  )

  it.live("may be many on one connection, of which Node does not warn", () =>
    Effect.gen(function* () {
      const warned: Array<string> = []
      const note = ({ name }: Error) => void warned.push(name)
      process.on("warning", note)
      const socket = new Socket("10.0.0.1")
      for (let each = 0; each < 12; each++) assert.isTrue((yield* viewer("10.0.0.1", socket)).take())
      yield* Effect.sleep("10 millis")
      process.off("warning", note)
      assert.deepStrictEqual(warned, [])
    }).pipe(Effect.provide(layerOf({ maxViewers: 12, maxViewersPerClient: 12 })))
  )
})
