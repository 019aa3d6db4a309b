import { connect } from "node:net"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { makeNodeServer } from "../../src/http/NodeServer.ts"
import { json, layerApi, vote } from "../support/api.ts"
import { eventually } from "../support/servers.ts"
import { openWire, raw } from "../support/wire.ts"
import { World } from "../support/world.ts"

const cats = '{"option":"cats"}'
const cast = `POST /api/vote HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${cats.length}\r\n\r\n${cats}`
const ask = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"

describe("makeNodeServer", () => {
  it("gives slow clients an end", () => {
    const { headersTimeout, keepAliveTimeout, requestTimeout, timeout } = makeNodeServer({}, () => undefined)
    assert.deepStrictEqual({ headersTimeout, requestTimeout }, { headersTimeout: 10_000, requestTimeout: 15_000 })
    // Load balancers keep idle connections for 60 s, and must be the ones to close them.
    assert.isAbove(keepAliveTimeout, 60_000)
    assert.strictEqual(timeout, 120_000)
  })
})

describe("an answer under way", () => {
  it.live("is cut off by garbage, with nothing put in its middle", () =>
    Effect.gen(function* () {
      const server = yield* Effect.acquireRelease(
        Effect.sync(() => makeNodeServer({}, (_, response) => response.write("the beginning"))),
        (open) => Effect.sync(() => open.close())
      )
      const received = yield* Effect.callback<string>((resume) => {
        let text = ""
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          const socket = connect(typeof address === "object" && address !== null ? address.port : 0, "127.0.0.1")
          socket.write(ask)
          socket.on("data", (bytes) => {
            text += bytes
            if (text.includes("the beginning")) socket.write("garbage\r\n\r\n")
          })
          socket.on("close", () => resume(Effect.succeed(text)))
        })
      })
      assert.match(received, /^HTTP\/1\.1 200 OK\r\n[\s\S]*the beginning\r\n$/)
    }).pipe(Effect.scoped)
  )
})

describe("a client that does not read its answer", () => {
  it.live("loses its connection when nothing moves any more, and none that reads does", () =>
    Effect.gen(function* () {
      const large = Buffer.alloc(64 << 20)
      const ended: Array<string> = []
      const server = yield* Effect.acquireRelease(
        Effect.sync(() =>
          makeNodeServer({}, ({ url = "" }, response) => {
            response.on("close", () => ended.push(`${url} ${response.writableFinished}`))
            response.end(large)
          })
        ),
        (open) => Effect.sync(() => open.close())
      )
      server.timeout /= 200
      yield* Effect.callback<void>((resume) => {
        server.listen(0, "127.0.0.1", () => resume(Effect.void))
      })
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      const send = (path: string) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            const socket = connect(port, "127.0.0.1")
            socket.on("error", () => undefined)
            socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
            return socket
          }),
          (socket) => Effect.sync(() => socket.destroy())
        )
      const reader = yield* send("/reads")
      reader.resume()
      yield* send("/stuck")
      yield* eventually(Effect.sync(() => assert.deepStrictEqual(ended.toSorted(), ["/reads true", "/stuck false"])))
    }).pipe(Effect.scoped)
  )
})

layer(layerApi(), { excludeTestServices: true })("the server", (it) => {
  it.effect.each<readonly [number, string, string]>([
    [400, "garbage", "\u0000\u0001garbage\r\n\r\n"],
    [400, "TLS", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003\r\n\r\n"],
    [400, "a version to come", "GET /health HTTP/9.9\r\nHost: a\r\n\r\n"],
    [400, "a bare line feed in a header", "GET /health HTTP/1.1\r\nHost: a\r\nX: 1\rY: 2\r\n\r\n"],
    [400, "two hosts", "GET /health HTTP/1.1\r\nHost: a\r\nHost : b\r\n\r\n"],
    [
      413,
      "endless chunk extensions",
      `${cast.replace(/Content-Length.*/s, "Transfer-Encoding: chunked")}\r\n\r\n1;${"a".repeat(20_000)}\r\n`
    ],
    [431, "a path of 20 KB", `GET /${"a".repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`]
  ])("answers %i to %s with a problem, and closes the connection", ([status, , bytes]) =>
    Effect.gen(function* () {
      const answers = yield* raw(Buffer.from(bytes, "latin1"), 2)
      assert.strictEqual(answers.length, 1)
      const [answer] = answers
      if (answer === undefined) return assert.fail("no answer")
      assert.deepInclude(answer, { status })
      assert.deepInclude(answer.headers, { "content-type": "application/problem+json", connection: "close" })
      assert.deepInclude(json(answer), { type: "about:blank", status })
    })
  )

  it.effect("answers requests that come at once, in their order", () =>
    Effect.gen(function* () {
      const answers = yield* raw(cast + ask + cast + ask, 4)
      assert.deepStrictEqual(
        answers.map(({ status }) => status),
        [201, 200, 201, 200]
      )
    })
  )

  it.effect("says that a vote was accepted, whatever comes after it", () =>
    Effect.gen(function* () {
      const world = yield* World
      world.votes = []
      for (const expect of ["", "Expect: 100-continue\r\n"]) {
        const vote = cast.replace("Content-Type", `${expect}Content-Type`)
        const answers = (yield* raw(`${vote}garbage\r\n\r\n`, 3)).filter(({ status }) => status >= 200)
        assert.strictEqual(answers.length, 1)
        assert.strictEqual(answers[0]?.status, 201)
        assert.strictEqual(answers[0]?.headers.connection, "close")
      }
      assert.strictEqual(world.votes.length, 2)
    })
  )

  it.effect("counts no vote of a body that turns into garbage", () =>
    Effect.gen(function* () {
      const world = yield* World
      world.votes = []
      const head = cast.replace(/Content-Length.*/s, "Transfer-Encoding: chunked\r\n\r\n")
      const answers = yield* raw(`${head}11\r\n${cats}\r\nzz\r\n`, 2)
      assert.strictEqual(answers[0]?.status, 400)
      assert.strictEqual(world.votes.length, 0)
    })
  )

  it.effect.each<readonly [string, string]>([
    ["chunks that are none", "x\r\n"],
    ["trailers that are too long", `0\r\n${"t: 1\r\n".repeat(5_000)}\r\n`]
  ])("gives no second answer for the rest of a body that is %s", ([, rest]) =>
    Effect.gen(function* () {
      const wire = yield* openWire()
      yield* wire.send("POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
      assert.strictEqual((yield* wire.answer)?.status, 404)
      yield* wire.send(rest)
      assert.isUndefined(yield* wire.answer)
    })
  )

  it.effect("answers an old client without a Host in HTTP/1.0, as probes of load balancers are", () =>
    Effect.gen(function* () {
      const [answer] = yield* raw("GET /health HTTP/1.0\r\n\r\n")
      assert.strictEqual(answer?.status, 200)
    })
  )

  it.effect("takes a vote that would rather be upgraded to another protocol", () =>
    Effect.gen(function* () {
      const answer = yield* vote(undefined, { connection: "Upgrade", upgrade: "h2c" })
      assert.strictEqual(answer.status, 201)
      const socket = yield* vote(undefined, { connection: "Upgrade", upgrade: "websocket" })
      assert.strictEqual(socket.status, 201)
    })
  )

  it.effect("goes on with a connection after problems", () =>
    Effect.gen(function* () {
      const wire = yield* openWire()
      for (const [bytes, status] of [
        [ask.replace("/health", "/nowhere"), 404],
        [cast.replace("POST", "PUT"), 405],
        [cast.replace("json", "xml"), 415],
        [cast, 201]
      ] as const) {
        yield* wire.send(bytes)
        assert.strictEqual((yield* wire.answer)?.status, status)
      }
    })
  )
})
