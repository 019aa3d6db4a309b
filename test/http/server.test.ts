import { setImmediate } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { HttpServer } from "effect/http"
import { TestClock } from "effect/testing"
import { Lifecycle } from "../../src/http/Lifecycle.ts"
import { CantListen } from "../../src/http/Listen.ts"
import { layerApi, request, until, vote } from "../support/api.ts"
import { openWire, serverPort } from "../support/wire.ts"
import { World } from "../support/world.ts"

const ask = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"

/** The server in a scope that the test closes. */
const start = (settings: Parameters<typeof layerApi>[0] = {}) =>
  Effect.gen(function* () {
    const scope = yield* Effect.acquireRelease(Scope.make(), (open) => Scope.close(open, Exit.void))
    const context = yield* Layer.buildWithScope(layerApi(settings), scope)
    return { context, stop: Scope.close(scope, Exit.void) }
  })

describe("layerServer", () => {
  it.live("says which address it can't listen on", () =>
    Effect.gen(function* () {
      const port = yield* serverPort
      const error = yield* Effect.flip(Layer.build(Layer.fresh(layerApi({ port }))))
      assert.instanceOf(error, CantListen)
      assert.include(error.message, `127.0.0.1:${port}`)
      assert.include(error.message, "EADDRINUSE")
    }).pipe(Effect.provide(layerApi()), Effect.scoped)
  )

  it.live("answers what is in flight before it ends, as its connection's last answer", () =>
    Effect.gen(function* () {
      const { context, stop } = yield* start()
      yield* Effect.gen(function* () {
        const world = yield* World
        const lifecycle = yield* Lifecycle
        const appended = yield* Deferred.make<void>()
        world.held = Deferred.await(appended)
        const voting = yield* Effect.forkChild(vote(undefined, { connection: "keep-alive" }))
        yield* until(() => world.votes.length === 1)
        const stopping = yield* Effect.forkChild(stop)
        yield* until(() => lifecycle.phase === "stopping")
        assert.isUndefined(stopping.pollUnsafe())
        yield* Deferred.succeed(appended, undefined)
        const answer = yield* Fiber.join(voting)
        assert.strictEqual(answer.status, 201)
        assert.strictEqual(answer.headers.connection, "close")
        yield* Fiber.join(stopping)
      }).pipe(Effect.provide(context))
    }).pipe(Effect.scoped)
  )

  it.live("answers all that a client has sent without waiting for answers, the last one as its connection's last", () =>
    Effect.gen(function* () {
      const { context, stop } = yield* start()
      yield* Effect.gen(function* () {
        const world = yield* World
        const lifecycle = yield* Lifecycle
        const appended = yield* Deferred.make<void>()
        world.held = Deferred.await(appended)
        const wire = yield* openWire()
        const body = JSON.stringify({ option: "cats" })
        const head = "POST /vote HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        const byLane = `${head}Content-Length: ${body.length}\r\n\r\n${body}`
        const byApp = `${head}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
        yield* wire.send(byLane + byApp + byLane)
        yield* until(() => world.votes.length === 3)
        const stopping = yield* Effect.forkChild(stop)
        yield* until(() => lifecycle.phase === "stopping")
        yield* Deferred.succeed(appended, undefined)
        const answers = [yield* wire.answer, yield* wire.answer, yield* wire.answer]
        assert.deepStrictEqual(
          answers.map((answer) => [answer?.status, answer?.headers.connection]),
          [
            [201, "keep-alive"],
            [201, "keep-alive"],
            [201, "close"]
          ]
        )
        assert.isUndefined(yield* wire.answer)
        yield* Fiber.join(stopping)
      }).pipe(Effect.provide(context))
    }).pipe(Effect.scoped)
  )

  it.live("closes idle connections, and accepts no more", () =>
    Effect.gen(function* () {
      const { context, stop } = yield* start()
      const port = yield* Effect.gen(function* () {
        const wire = yield* openWire()
        yield* wire.send(ask)
        assert.strictEqual((yield* wire.answer)?.status, 200)
        yield* stop
        assert.isUndefined(yield* wire.answer)
        return yield* serverPort
      }).pipe(Effect.provide(context))
      const refused = yield* Effect.exit(request("GET", "/health").pipe(Effect.provide(context)))
      assert.isTrue(Exit.isFailure(refused) && Cause.pretty(refused.cause).includes("ECONNREFUSED"))
      assert.isAbove(port, 0)
    }).pipe(Effect.scoped)
  )

  it.effect("goes on serving for SHUTDOWN_DELAY, while it says that it is not ready", () =>
    Effect.gen(function* () {
      const { context, stop } = yield* start({ shutdownDelay: 60_000 })
      yield* Effect.gen(function* () {
        const lifecycle = yield* Lifecycle
        const stopping = yield* Effect.forkChild(stop)
        yield* until(() => lifecycle.phase === "stopping")
        yield* TestClock.adjust("59 seconds")
        const ready = yield* request("GET", "/ready", { headers: { connection: "keep-alive" } })
        assert.deepStrictEqual([ready.status, ready.headers.connection], [503, "close"])
        const answer = yield* vote(undefined, { connection: "keep-alive" })
        assert.strictEqual(answer.status, 201)
        assert.strictEqual(answer.headers.connection, "close")
        assert.isUndefined(stopping.pollUnsafe())
        while (stopping.pollUnsafe() === undefined) {
          yield* TestClock.adjust("1 second")
          yield* Effect.promise(() => setImmediate())
        }
        yield* Fiber.join(stopping)
      }).pipe(Effect.provide(context))
    }).pipe(Effect.scoped)
  )

  it.live("listens on the address of the settings", () =>
    Effect.gen(function* () {
      const { context } = yield* start({ host: "::1" })
      const { address } = Context.get(context, HttpServer.HttpServer)
      assert.strictEqual(address._tag, "InetAddressV6")
    }).pipe(Effect.scoped)
  )
})
