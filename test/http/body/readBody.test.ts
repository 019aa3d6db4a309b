import { IncomingMessage, ServerResponse } from "node:http"
import { Socket } from "node:net"
import { PassThrough } from "node:stream"
import { setImmediate } from "node:timers/promises"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { type BodyBounds, collectBody, type RefusedBody, readBody } from "../../../src/http/body/ReadBody.ts"

/** Bounds of `most` bytes, of which `kept` are kept, where all bodies may take `room` bytes together. */
const bounds = (most: number, kept = most, room = 10_000) => {
  const reported: Array<string> = []
  const memory = { held: 0, most: room }
  return { most, kept, memory, report: (what: string) => void reported.push(what), reported } satisfies BodyBounds & {
    reported: ReadonlyArray<string>
  }
}

/** Starts reading the body of a request that the test sends piece by piece; gives it, and what was read in the end. */
const reading = Effect.fnUntraced(function* (bounds: BodyBounds) {
  const done = yield* Deferred.make<Buffer, RefusedBody>()
  const app = HttpServerRequest.HttpServerRequest.pipe(
    Effect.flatMap((request) => Effect.exit(readBody(request, bounds))),
    Effect.flatMap((exit) => Deferred.done(done, exit)),
    Effect.as(HttpServerResponse.empty())
  )
  const handler = yield* NodeHttpServer.makeHandler(app, { scope: yield* Effect.scope })
  const message = new IncomingMessage(new Socket())
  message.method = "POST"
  message.url = "/"
  handler(message, new ServerResponse(message))
  return { message, read: Deferred.await(done) }
})

describe("readBody", () => {
  it.effect("gives the pieces as one, and nothing for nothing", () =>
    Effect.gen(function* () {
      for (const pieces of [[], ["cats"], ["ca", "", "ts"]]) {
        const { message, read } = yield* reading(bounds(4))
        for (const piece of pieces) message.push(piece)
        message.push(null)
        assert.strictEqual((yield* read).toString(), pieces.join(""))
      }
    })
  )

  it.effect("fails where the request goes away before its end", () =>
    Effect.gen(function* () {
      const { message, read } = yield* reading(bounds(4))
      message.push("ca")
      message.destroy()
      const { _tag, detail } = yield* Effect.flip(read)
      assert.deepStrictEqual({ _tag, detail }, { _tag: "Malformed", detail: "The request's body ended early" })
    })
  )

  it.effect("reads nothing more once it is too long, and leaves no listener behind", () =>
    Effect.gen(function* () {
      const { message, read } = yield* reading(bounds(4))
      message.push("cats")
      message.push("!")
      message.push("never read")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(read)))
      assert.isTrue(message.isPaused())
      assert.strictEqual(message.listenerCount("data"), 0)
    })
  )

  it.effect("keeps no more than it may of a longer body, whose rest it counts", () =>
    Effect.gen(function* () {
      const within = bounds(100, 4)
      const { message, read } = yield* reading(within)
      message.push("ca")
      message.push("x".repeat(90))
      yield* Effect.promise(() => setImmediate())
      assert.strictEqual(within.memory.held, 0)
      message.push(null)
      const refused = yield* Effect.flip(read)
      assert.deepInclude(refused, { _tag: "InvalidFields", status: 422 })
      assert.strictEqual(within.memory.held, 0)
      assert.deepStrictEqual(within.reported, ["large_bodies"])

      const beyond = yield* reading(bounds(100, 4))
      beyond.message.push("x".repeat(90))
      beyond.message.push("x".repeat(11))
      assert.strictEqual((yield* Effect.flip(beyond.read)).status, 413)
    })
  )

  it.effect(
    "refuses a body that all bodies under way leave no room for, and has the room again once they are done",
    () =>
      Effect.gen(function* () {
        const shared = bounds(1_000, 1_000, 1_500)
        const [half, ended, gone] = [yield* reading(shared), yield* reading(shared), yield* reading(shared)]
        half.message.push("x".repeat(600))
        ended.message.push("x".repeat(300))
        yield* Effect.promise(() => setImmediate())
        assert.strictEqual(shared.memory.held, 900 + 2 * 256)
        gone.message.push("x".repeat(300))
        assert.deepInclude(yield* Effect.flip(gone.read), { _tag: "Unavailable", status: 503 })
        assert.deepStrictEqual(shared.reported, ["bodies"])
        // What comes after that is thrown away.
        gone.message.push("x".repeat(300))
        yield* Effect.promise(() => setImmediate())
        assert.strictEqual(gone.message.readableLength, 0)
        ended.message.push(null)
        assert.strictEqual((yield* ended.read).length, 300)
        half.message.destroy()
        yield* Effect.flip(half.read)
        assert.strictEqual(shared.memory.held, 0)
      })
  )

  it.effect("counts what comes byte by byte for what it takes", () =>
    Effect.gen(function* () {
      const shared = bounds(1_000, 1_000, 1_500)
      const { message, read } = yield* reading(shared)
      for (let index = 0; index < 10; index++) message.push("x")
      assert.strictEqual((yield* Effect.flip(read)).status, 503)
      assert.strictEqual(shared.memory.held, 0)
    })
  )
})

describe("collectBody", () => {
  const events = ["data", "end", "close"] as const

  /** Collects what a test sends; `said` is what it came to, each time that something was said. */
  const collecting = (within: BodyBounds, source: PassThrough) => {
    const said: Array<string> = []
    const listening = () => events.map((event) => source.listenerCount(event))
    const before = listening()
    const stop = collectBody(Object.assign(source, { socket: new Socket() }), within, (body) =>
      said.push(Buffer.isBuffer(body) ? `${body}` : body._tag)
    )
    return { said, stop, isLeft: () => assert.deepStrictEqual(listening(), before) }
  }

  it.each<readonly [pieces: ReadonlyArray<string>, destroyed: boolean, outcome: string]>([
    [["ca", "ts"], false, "cats"],
    [["ca"], true, "Malformed"],
    [["cats", "!".repeat(100), "more"], false, "BodyTooLarge"],
    [["cats", "!", "more"], false, "InvalidFields"],
    [["c", "a", "t"], false, "Unavailable"]
  ])("says of %j, cut off: %j, once what it came to, and lets go of it", async (pieces, destroyed, outcome) => {
    const within = bounds(50, 4, 600)
    const source = new PassThrough()
    const { isLeft, said } = collecting(within, source)
    for (const piece of pieces) source.write(piece)
    await setImmediate()
    if (destroyed) source.destroy()
    else source.end()
    // Whoever was left unread would never end.
    source.resume()
    await new Promise((closed) => source.on("close", closed))
    source.removeAllListeners("close")
    assert.deepStrictEqual(said, [outcome])
    assert.strictEqual(within.memory.held, 0)
    isLeft()
  })

  it("takes what has ended before for nothing, and says nothing once it was stopped", async () => {
    const ended = new PassThrough()
    ended.resume().end()
    await new Promise((end) => ended.on("end", end))
    assert.deepStrictEqual(collecting(bounds(50), ended).said, [""])

    const within = bounds(50)
    const source = new PassThrough()
    const { isLeft, said, stop } = collecting(within, source)
    source.write("cats")
    await setImmediate()
    assert.isAbove(within.memory.held, 0)
    stop()
    isLeft()
    assert.strictEqual(within.memory.held, 0)
    source.destroy()
    await setImmediate()
    assert.deepStrictEqual(said, [])
  })
})
