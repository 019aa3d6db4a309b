import { type AddressInfo, connect, type Socket } from "node:net"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { makeNodeServer } from "../../src/http/NodeServer.ts"
import { assertProblem, layerApi, request, until, vote } from "../support/api.ts"
import { openEvents } from "../support/events.ts"
import { parseMetrics } from "../support/metrics.ts"
import { openWire, raw, serverPort } from "../support/wire.ts"

const refusals = (reason: string) =>
  Effect.map(
    request("GET", "/metrics"),
    ({ body }) => parseMetrics(body).get(`tallykeep_refusals_total{reason="${reason}"}`) ?? 0
  )

const ask = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"

layer(layerApi({ maxConnections: 5 }), { excludeTestServices: true })("connections", (it) => {
  it.effect(
    "beyond MAX_CONNECTIONS get a 503 and are closed, however many, and there is room again once others end",
    () =>
      Effect.gen(function* () {
        const port = yield* serverPort
        const open = (count: number) =>
          Array.from(
            { length: count },
            (): Socket =>
              connect(port, "127.0.0.1")
                .on("error", () => undefined)
                .resume()
          )
        const held = open(5)
        yield* until(() => held.every(({ readyState }) => readyState === "open"))
        for (const bytes of [ask, ""]) {
          const answers = yield* raw(bytes, 2)
          assert.lengthOf(answers, 1)
          const [answer] = answers
          if (answer === undefined) return assert.fail("no answer")
          assertProblem(answer, 503)
          assert.deepInclude(answer.headers, { connection: "close", "retry-after": "1", "x-frame-options": "DENY" })
        }
        // None of them reads, or says anything.
        const more = open(300)
        yield* until(() => more.every(({ closed }) => closed))
        for (const socket of held) socket.destroy()
        yield* until(() => held.every(({ closed }) => closed))
        let status = 503
        let tries = 0
        for (; status !== 201 && tries < 100; tries++) status = (yield* vote()).status
        assert.strictEqual(status, 201)
        assert.strictEqual(yield* refusals("connections"), 302 + tries - 1)
      })
  )
})

layer(layerApi(), { excludeTestServices: true })("a connection", (it) => {
  it.effect("on which many requests come at once gets the answers to all, in their order", () =>
    Effect.gen(function* () {
      const wire = yield* openWire()
      const sent = 1_000
      const body = '{"option":"nonsense"}'
      const wrong = `POST /api/vote HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
      yield* wire.send(`${ask}${wrong}`.repeat(sent))
      for (let count = 0; count < 2 * sent; count++) {
        assert.strictEqual((yield* wire.answer)?.status, count % 2 === 0 ? 200 : 422, `the answer ${count}`)
      }
      yield* wire.send(ask)
      assert.strictEqual((yield* wire.answer)?.status, 200)
    })
  )

  it.effect.each([1, 60, 1_000])(
    "have as many requests begun in a turn as leaves room for others, where %i send at once",
    (connections) =>
      Effect.gen(function* () {
        const begun: Array<number> = []
        let count = 0
        const turn = () => {
          if (count > 0) begun.push(count)
          count = 0
        }
        const server = makeNodeServer({}, (_, response) => {
          if (count++ === 0) setImmediate(turn)
          response.end()
        })
        let accepted = 0
        server.on("connection", () => accepted++)
        yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
        const port = yield* Effect.promise(
          () =>
            new Promise<number>((resolve) =>
              server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port))
            )
        )
        const each = Math.ceil(4_000 / connections)
        const sockets = Array.from({ length: connections }, () => connect(port, "127.0.0.1").resume())
        yield* Effect.addFinalizer(() => Effect.sync(() => sockets.forEach((socket) => void socket.destroy())))
        yield* until(() => accepted === connections)
        // All of it before the server has its next turn.
        for (const socket of sockets) socket.write(ask.repeat(each))
        yield* until(() => begun.reduce((sum, some) => sum + some, 0) === each * connections)
        // Those that were begun as they came, and those that had waited, can fall into one turn as this counts it.
        assert.isAtMost(Math.max(...begun), 2 * 32)
      }).pipe(Effect.scoped)
  )

  it.effect("gets all its answers, however slowly it reads them", () =>
    Effect.gen(function* () {
      const sent = 20_000
      const socket = connect(yield* serverPort, "127.0.0.1")
      yield* Effect.addFinalizer(() => Effect.sync(() => socket.destroy()))
      let text = ""
      let answers = 0
      socket.setEncoding("latin1").on("data", (chunk) => {
        text += chunk
        answers += text.split("HTTP/1.1 ").length - 1
        // What may be the beginning of another one.
        text = text.slice(-8)
        socket.pause()
        setTimeout(() => socket.resume(), 1)
      })
      socket.write(ask.repeat(sent))
      yield* until(() => answers === sent || socket.closed)
      assert.strictEqual(answers, sent)
    }).pipe(Effect.scoped)
  )
})

for (const fastLane of [true, false]) {
  layer(layerApi({ fastLane, maxViewers: 3, maxViewersPerClient: 2, trustProxy: 1 }), { excludeTestServices: true })(
    `live streams, ${fastLane ? "by the lane" : "by the app"}`,
    (it) => {
      it.effect("have a bound together and for each client, beyond which they get a 503 and are closed", () =>
        Effect.gen(function* () {
          const [ofClients, ofAll] = [yield* refusals("client_viewers"), yield* refusals("viewers")]
          const watch = (client: string) => openEvents("/api/results/stream", { "x-forwarded-for": client })
          const refused = (client: string) =>
            Effect.map(
              request("GET", "/api/results/stream", {
                headers: { "x-forwarded-for": client, connection: "keep-alive" }
              }),
              (answer) => {
                assertProblem(answer, 503)
                assert.deepInclude(answer.headers, { connection: "close", "retry-after": "1" })
              }
            )
          yield* Effect.scoped(
            Effect.gen(function* () {
              assert.strictEqual((yield* watch("2001:db8::1")).status, 200)
              assert.strictEqual((yield* watch("2001:db8::2")).status, 200)
              yield* refused("2001:db8::3")
              const head = yield* request("HEAD", "/api/results/stream", {
                headers: { "x-forwarded-for": "2001:db8::3" }
              })
              assert.strictEqual(head.status, 200)
              assert.strictEqual((yield* watch("192.0.2.1")).status, 200)
              yield* refused("192.0.2.2")
              assert.strictEqual((yield* vote()).status, 201)
            })
          )
          assert.strictEqual(yield* refusals("client_viewers"), ofClients + 1)
          assert.strictEqual(yield* refusals("viewers"), ofAll + 1)
          // They are gone, and there is room again.
          const again = Effect.scoped(Effect.map(watch("2001:db8::9"), ({ status }) => status))
          let status = 503
          for (let tries = 0; status !== 200 && tries < 100; tries++) status = yield* again
          assert.strictEqual(status, 200)
        })
      )
    }
  )
}
