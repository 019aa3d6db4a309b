import { connect } from "node:net"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertProblem, layerApi, request, vote } from "../../support/api.ts"
import { type Answer, openWire, raw, serverPort } from "../../support/wire.ts"
import { World } from "../../support/world.ts"

const limit = 1_000
const head = "POST /api/vote HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
const cats = '{"option":"cats"}'
const ask = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"

const chunked = (...chunks: ReadonlyArray<string>) =>
  chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("")

/** The connection answers the next request, or is closed. */
const assertSane = ([, next]: ReadonlyArray<Answer>) => {
  if (next !== undefined) assert.strictEqual(next.status, 200)
}

const assertTooLarge = (answer: Answer | undefined) => {
  if (answer === undefined) return assert.fail("no answer")
  assert.strictEqual(assertProblem(answer, 413).detail, `Request body too large. Maximum size: ${limit} bytes`)
}

layer(layerApi({ maxRequestSize: limit }), { excludeTestServices: true })("the size limit", (it) => {
  it.effect("refuses a declared length over it at once, without any of the body", () =>
    Effect.gen(function* () {
      const [answer] = yield* raw(`${head}Content-Length: ${limit + 1}\r\n\r\n`)
      assertTooLarge(answer)
    })
  )

  it.effect("refuses a declared length beyond any number's", () =>
    Effect.gen(function* () {
      const [answer] = yield* raw(`${head}Content-Length: ${"9".repeat(19)}\r\n\r\n`)
      assertTooLarge(answer)
      const [beyond] = yield* raw(`${head}Content-Length: ${"9".repeat(400)}\r\n\r\n`)
      assert.oneOf(beyond?.status, [400, 413])
    })
  )

  it.effect("leaves the connection sane after a body over it", () =>
    Effect.gen(function* () {
      const body = "x".repeat(limit + 1)
      const answers = yield* raw(`${head}Content-Length: ${body.length}\r\n\r\n${body}${ask}`, 2)
      assertTooLarge(answers[0])
      assertSane(answers)
    })
  )

  it.effect("applies to bodies that nobody reads, too", () =>
    Effect.gen(function* () {
      const answer = yield* request("POST", "/nowhere", { body: "x".repeat(limit + 1) })
      assertTooLarge(answer)
    })
  )

  it.effect("refuses a chunked body as soon as it is over, whole or not", () =>
    Effect.gen(function* () {
      const half = " ".repeat(limit / 2)
      const [answer] = yield* raw(`${head}Transfer-Encoding: chunked\r\n\r\n${chunked(half, half, "x")}`)
      assertTooLarge(answer)
      const answers = yield* raw(
        `${head}Transfer-Encoding: chunked\r\n\r\n${chunked(half, half, "x")}0\r\n\r\n${ask}`,
        2
      )
      assertTooLarge(answers[0])
      assertSane(answers)
    })
  )

  it.effect("does not read on and on: an endless body ends with the connection", () =>
    Effect.gen(function* () {
      const port = yield* serverPort
      const piece = chunked("x".repeat(65_536))
      const [sent, answer] = yield* Effect.callback<readonly [number, string]>((resume) => {
        const socket = connect(port, "127.0.0.1", () => {
          socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`)
          pour()
        })
        const pour = () => {
          while (socket.writable && socket.write(piece));
        }
        let received = ""
        socket.on("drain", pour)
        socket.on("data", (bytes) => {
          received += bytes
        })
        socket.on("error", () => undefined)
        socket.on("close", () => resume(Effect.succeed([socket.bytesWritten - socket.writableLength, received])))
        return Effect.sync(() => socket.destroy())
      })
      assert.match(answer, /^HTTP\/1\.1 413 /)
      // What is beyond the limit is in the buffers of the system, not in ours.
      assert.isBelow(sent, 32 * 1_048_576)
    })
  )

  it.effect("accepts a body of exactly the limit, declared or chunked", () =>
    Effect.gen(function* () {
      const world = yield* World
      world.votes = []
      const exact = cats.padEnd(limit)
      assert.strictEqual((yield* vote(exact)).status, 201)
      assert.strictEqual((yield* vote(exact, { "transfer-encoding": "chunked" })).status, 201)
      // The lane leaves what has a query to the app.
      const headers = { "content-type": "application/json" }
      assert.strictEqual((yield* request("POST", "/api/vote?x", { headers, body: exact })).status, 201)
      const pieces = chunked(exact.slice(0, 5), exact.slice(5))
      const [answer] = yield* raw(`${head}Transfer-Encoding: chunked\r\n\r\n${pieces}0\r\n\r\n`)
      assert.strictEqual(answer?.status, 201)
      assert.strictEqual(world.votes.length, 4)
    })
  )

  it.effect("goes on, when it is asked to, before the body comes", () =>
    Effect.gen(function* () {
      const wire = yield* openWire()
      yield* wire.send(`${head}Expect: 100-continue\r\nContent-Length: ${cats.length}\r\n\r\n`)
      assert.strictEqual((yield* wire.answer)?.status, 100)
      yield* wire.send(cats)
      assert.strictEqual((yield* wire.answer)?.status, 201)
      yield* wire.send(ask)
      assert.strictEqual((yield* wire.answer)?.status, 200)
    })
  )

  it.effect("does not ask for a body that it would refuse", () =>
    Effect.gen(function* () {
      const [tooLarge] = yield* raw(`${head}Expect: 100-continue\r\nContent-Length: ${limit + 1}\r\n\r\n`)
      assertTooLarge(tooLarge)
      const [unread] = yield* raw(
        "POST /nowhere HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
      )
      assert.strictEqual(unread?.status, 404)
      // Whether the body comes or not, it is not taken for the next request.
      assert.strictEqual(unread?.headers.connection, "close")
    })
  )

  it.effect("forgets a vote whose body ends early, and serves the next", () =>
    Effect.gen(function* () {
      const world = yield* World
      world.votes = []
      yield* Effect.scoped(
        Effect.gen(function* () {
          const wire = yield* openWire()
          yield* wire.send(`${head}Expect: 100-continue\r\nContent-Length: ${cats.length}\r\n\r\n`)
          assert.strictEqual((yield* wire.answer)?.status, 100)
          yield* wire.send(cats.slice(0, 5))
        })
      )
      assert.strictEqual((yield* vote()).status, 201)
      assert.strictEqual(world.votes.length, 1)
    })
  )
})
