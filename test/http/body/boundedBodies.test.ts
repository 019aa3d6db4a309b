import { connect } from "node:net"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertProblem, json, layerApi, request, until, vote } from "../../support/api.ts"
import { parseMetrics } from "../../support/metrics.ts"
import { withPublicFolder } from "../../support/publicFolder.ts"
import { serverPort } from "../../support/wire.ts"
import { freshWorld } from "../../support/world.ts"

const layerPages = (fastLane: boolean) => withPublicFolder((folder) => layerApi({ fastLane }, folder))

const form = { "content-type": "application/x-www-form-urlencoded" }

const send = (body: string) => request("POST", "/polls/cats-or-dogs", { headers: form, body })

const metric = (series: string) =>
  Effect.map(request("GET", "/metrics"), ({ body }) => parseMetrics(body).get(series) ?? 0)

for (const fastLane of [true, false]) {
  layer(layerPages(fastLane), { excludeTestServices: true })(
    `the body of a vote, ${fastLane ? "by the lane" : "by the app"}`,
    (it) => {
      it.effect("that is longer than any vote is refused unparsed, and the connection goes on", () =>
        Effect.gen(function* () {
          const world = yield* freshWorld
          const chunked = { "transfer-encoding": "chunked" }
          const valid = '{"option":"cats"}'
          const refused = yield* metric('tallykeep_refusals_total{reason="large_bodies"}')
          for (const body of [valid.padEnd(16_385), valid.padEnd(1_048_576), "[".repeat(1_000_000)]) {
            for (const headers of [{}, chunked]) {
              const problem = assertProblem(yield* vote(body, headers), 422)
              assert.strictEqual(problem.detail, "What is sent here is no longer than 16384 bytes")
            }
          }
          assertProblem(yield* vote(valid.padEnd(1_048_577), chunked), 413)
          assert.strictEqual((yield* vote(valid.padEnd(16_384))).status, 201)
          assert.strictEqual(world.votes.length, 1)
          assert.strictEqual(yield* metric('tallykeep_refusals_total{reason="large_bodies"}'), refused + 6)
        })
      )
    }
  )
}

layer(layerPages(true), { excludeTestServices: true })("a form", (it) => {
  it.effect.each<readonly [string, string]>([
    ["of half a million fields", "a&".repeat(524_286)],
    ["of half a million encoded letters", "%61".repeat(349_525)],
    ["of 201 fields", `option=cats${"&a".repeat(200)}`],
    ["of 16,385 bytes", "option=cats&key=1&a=".padEnd(16_385, "x")]
  ])("%s is refused, and parsed by nothing that it could slow down", ([, body]) =>
    Effect.gen(function* () {
      const world = yield* freshWorld
      const before = process.cpuUsage()
      assert.strictEqual((yield* send(body)).status, 422)
      const { system, user } = process.cpuUsage(before)
      assert.isBelow((user + system) / 1_000, 1_000)
      assert.strictEqual(world.votes.length, 0)
    })
  )

  it.effect("of 200 fields is taken", () =>
    Effect.gen(function* () {
      yield* freshWorld
      assert.strictEqual((yield* send(`option=cats${"&a".repeat(199)}`)).status, 303)
    })
  )
})

layer(layerPages(true), { excludeTestServices: true })("bodies under way", (it) => {
  it.effect("take at most 32 MiB together, then requests get a 503 and the process goes on", () =>
    Effect.gen(function* () {
      yield* freshWorld
      const port = yield* serverPort
      const length = 1_000_000
      const head = `Host: a\r\nContent-Type: application/json\r\nAuthorization: Bearer x\r\nContent-Length: ${length}\r\n\r\n`
      // Whoever has no token is refused before the body is read; half-sent votes are held, but no more than 16 KiB of each.
      const sockets = Array.from({ length: 300 }, () => {
        const socket = connect(port, "127.0.0.1")
        socket.on("error", () => undefined)
        socket.write(`POST /api/vote HTTP/1.1\r\n${head}${" ".repeat(500_000)}`)
        return socket
      })
      yield* until(() => sockets.every((socket) => socket.writableLength === 0))
      assert.isBelow(yield* metric("tallykeep_bodies_bytes"), 32 * 2 ** 20)
      assert.strictEqual((yield* vote()).status, 201)
      for (const socket of sockets) socket.destroy()
      yield* until(() => sockets.every((socket) => socket.closed))
      assert.deepStrictEqual(json(yield* request("GET", "/health")), { status: "healthy" })
    })
  )
})
