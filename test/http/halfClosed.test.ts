import { connect } from "node:net"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { layerApi, request, until } from "../support/api.ts"
import { parseMetrics } from "../support/metrics.ts"
import { eventually } from "../support/servers.ts"
import { type Answer, openWire, serverPort } from "../support/wire.ts"
import { freshWorld } from "../support/world.ts"

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const vote = (body: string, length = body.length) =>
  `POST /api/vote HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`

/** Sends requests, closes its own side at once, and returns all answers that come until the server closes, too. */
const sendAll = (bytes: string) =>
  Effect.gen(function* () {
    const wire = yield* openWire()
    yield* wire.send(bytes)
    yield* wire.close
    const answers: Array<Answer> = []
    for (;;) {
      const answer = yield* wire.answer
      if (answer === undefined) return answers
      answers.push(answer)
    }
  }).pipe(Effect.scoped)

for (const fastLane of [true, false]) {
  layer(layerApi({ fastLane }), { excludeTestServices: true })(
    `a client that closes its side, ${fastLane ? "by the lane" : "by the app"}`,
    (it) => {
      it.effect("gets the answers to all that it has sent, in their order, and then the end", () =>
        Effect.gen(function* () {
          const world = yield* freshWorld
          world.held = Effect.sleep("50 millis")
          const answers = yield* sendAll(
            [
              vote('{"option":"cats"}'),
              get("/api/results"),
              vote('{"option":"nonsense"}'),
              get("/api/polls/cats-or-dogs"),
              get("/api/polls/cats-or-dogs/results.csv"),
              get("/nowhere"),
              vote('{"option":"dogs"}')
            ].join("")
          )
          assert.deepStrictEqual(
            answers.map(({ status }) => status),
            [201, 200, 422, 200, 200, 404, 201]
          )
        })
      )

      it.effect("has cast no vote by a body that is cut short", () =>
        Effect.gen(function* () {
          const { votes } = yield* freshWorld
          const answers = yield* sendAll(vote('{"option":"cats"', 17))
          assert.isTrue(answers.every(({ status }) => status === 400))
          assert.lengthOf(votes, 0)
        })
      )

      it.effect("gets what it is owed before it is told what is wrong with the rest", () =>
        Effect.gen(function* () {
          const world = yield* freshWorld
          world.held = Effect.sleep("50 millis")
          const broken = vote('{"option":"dogs"}').replace("Content-Length: 17", "Transfer-Encoding: chunked")
          for (const [rest, last] of [
            [broken, [400]],
            [`${get("/health")}nonsense\r\n\r\n`, [200]],
            ["nonsense\r\n\r\n", []]
          ] as const) {
            const answers = yield* sendAll(`${vote('{"option":"cats"}')}${rest}`)
            assert.deepStrictEqual(
              answers.map(({ status }) => status),
              [201, ...last]
            )
          }
          assert.deepStrictEqual(
            world.votes.map(({ choice }) => choice),
            ["cats", "cats", "cats"]
          )
        })
      )

      it.effect("watches no longer", () =>
        Effect.gen(function* () {
          const viewers = Effect.map(request("GET", "/metrics"), ({ body }) =>
            parseMetrics(body).get("tallykeep_viewers")
          )
          const wire = yield* openWire()
          yield* wire.send(get("/api/results/stream"))
          yield* eventually(Effect.map(viewers, (count) => assert.strictEqual(count, 1)))
          yield* wire.close
          yield* eventually(Effect.map(viewers, (count) => assert.strictEqual(count, 0)))
          // Before the stream has begun.
          const early = connect(yield* serverPort, "127.0.0.1").resume()
          early.end(get("/api/results/stream"))
          yield* until(() => early.closed)
        }).pipe(Effect.scoped)
      )
    }
  )
}
